# B1: a line that does not come up is hung up; a line never stays seized
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
after 10 s
expect hang up op1
expect hang up line1
after 30 s
expect record result=lost
expect line1 is clearing
line1 idle
expect line1 is idle
