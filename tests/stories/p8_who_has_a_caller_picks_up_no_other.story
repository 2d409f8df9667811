# P8, E3: an operator who has a caller, even on hold, picks up no second one; a colleague does
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
line2 rings
expect ring op2
line2 caller 3331234567
op1 dials *85
expect accept op1
op1 answers
expect play op1 pickup_nothing
op1 prompt ends
expect hang up op1
op2 answers
expect answer line2
expect connect line2 op2
