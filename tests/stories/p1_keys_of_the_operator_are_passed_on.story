# P1: an operator talks with a machine that asks for keys: what they press is heard at the far end, the caller's keys mean nothing
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
op1 presses 1
expect nothing
line1 answered
op1 presses 2
expect keys line1 2
line1 presses 3
expect nothing
op1 hangs up
expect hang up line1
line1 idle
