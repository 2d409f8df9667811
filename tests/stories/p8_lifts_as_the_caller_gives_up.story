# P8: an operator lifts as the caller gives up: the phone is let go, the record says so
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 gives up
expect hang up op1
expect hang up line1
line1 idle
expect record result=gave_up evidence=gave_up
