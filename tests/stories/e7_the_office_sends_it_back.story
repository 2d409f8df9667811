# E7: the office sends it back by its key, and cannot transfer onwards through the box
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
ana1 answers
expect connect line1 ana1
ana1 asks for blind transfer to 51
expect no transfer for ana1
ana1 keys **
expect hang up ana1
expect play line1 please_wait
expect ring op1 showing Ritorno: Anagrafe
op1 answers
expect connect line1 op1
expect record returned=sent_back
op1 hangs up
expect hang up line1
line1 idle
expect trail line1 transfer_refused.blind returned.anagrafe.sent_back
