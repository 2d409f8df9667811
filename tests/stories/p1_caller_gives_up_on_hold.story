# P1: a caller who hangs up while the phone holds them: the phone is told, the line is let go
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 holds
expect nothing
line1 hangs up by busy_tone after 1500 ms
expect hang up op1
expect hang up line1
line1 idle
expect record phone=op1 result=answered evidence=busy_tone
