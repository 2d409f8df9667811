# P8: nobody at the switchboard answers, the citizens' counter does
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 for 25 s showing Centralino
expect record line1 result=open called=051598111 way=switchboard
line1 caller 051234567
expect ring op1 op2 showing Centralino 051234567
expect line1 is ringing
after 24 s
expect nothing
after 1 s
expect stop op1 op2
expect ring desk1 desk2 for 20 s
expect record way=citizens_desk reason=overflow.no_answer
desk1 answers
expect answer line1
expect connect line1 desk1
expect stop desk2 elsewhere
line1 answered
expect nothing
expect line1 is in_use
line1 hangs up by busy_tone after 1500 ms
expect hang up desk1
expect hang up line1
expect line1 is clearing
line1 idle
expect record way=citizens_desk result=answered evidence=busy_tone release_ms=1500 phone=desk1
expect line1 is idle
