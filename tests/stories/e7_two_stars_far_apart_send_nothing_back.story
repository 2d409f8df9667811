# E7, P6: two stars send a call back when pressed one after the other; far apart each is a key of the far end
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
ana1 presses * # the sleeve has touched a key
expect nothing
after 3 min
ana1 presses * # and again: nobody has asked for anything
expect keys line1 *
after 2 s
ana1 presses *
expect hang up ana1
expect play line1 please_wait
expect ring op1 showing Ritorno: Anagrafe
line1 hangs up by busy_tone
expect stop op1
expect hang up line1
line1 idle
expect record result=answered returned=sent_back
