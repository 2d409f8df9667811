# E6: two returns at once: each operator gets one, the second one waits for whoever is free first
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
line2 rings
expect ring op2
line2 caller 3331234567
op2 answers
expect answer line2
expect connect line2 op2
line2 answered
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
command by op2: to edilizia pratiche because other blind
expect play line2 connecting
expect hang up op2
expect ring edi1 for 13333 ms
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
edi1 declines # no PBX behind this line: the extension is passed over
expect ring edi2
edi2 declines
expect play line2 office_no_answer
expect ring op2 showing Ritorno: Edilizia privata
op1 answers
expect connect line1 op1
op2 declines
op1 hangs up
expect hang up line1
expect ring op1 showing Ritorno: Edilizia privata
line1 idle
line2 hangs up by busy_tone
expect stop op1
expect hang up line2
line2 idle
expect record line2 result=answered unit=edilizia returned=declined
expect trail line2 transfer.no_pbx unreachable.edilizia.pratiche.2 return.waiting return.ring.op1
