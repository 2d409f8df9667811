# P3, P5: by command, blind: the operator is free at once, the caller hears an announcement, then hold sound
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
expect play line1 connecting en/connecting
expect hang up op1
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
line1 prompt ends
expect hold line1
ana1 is busy # E7: the next number in declared order, within what is left of 40 s
expect ring ana2 for 40 s
ana2 answers
expect connect line1 ana2
ana2 hangs up
expect hang up line1
line1 idle
expect record result=answered target=anagrafe.residenza.2 phone=op1
expect trail line1 transfer.anagrafe.residenza.topic.person busy.anagrafe.residenza.1 transferred.anagrafe
