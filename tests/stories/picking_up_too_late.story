# P8: who picks up a moment too late, or hangs up again, disturbs nobody
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
capo1 registers
capo1 dials *85
expect accept capo1
capo1 hangs up
desk1 dials *85
expect accept desk1
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 desk1 elsewhere
desk1 answers
expect hang up desk1
