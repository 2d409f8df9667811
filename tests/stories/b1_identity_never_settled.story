# B1, E5: phones ring before the caller is known; an identity that comes late is shown and recorded
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 showing Centralino
after 10 s
expect nothing
line1 caller 3331234567
expect ring op1 op2 showing Centralino 3331234567
expect record caller=3331234567
line1 gives up
expect stop op1 op2
