# P8: two operators lift in the same instant: the first has the call, the other is hung up
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op2 answers
expect answer line1
expect connect line1 op2
expect stop op1 elsewhere
op1 answers
expect hang up op1
line1 answered
op2 hangs up
expect hang up line1
line1 idle
expect record phone=op2 result=answered
