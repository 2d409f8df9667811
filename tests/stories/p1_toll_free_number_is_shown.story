# P1: the toll-free number is shown to the operator
office example
at 2026-11-25 10:00:00
line2 rings
expect ring op1 op2 showing 800011837
line2 caller unavailable
expect ring op1 op2 showing 800011837 numero non disponibile
line2 gives up
expect stop op1 op2
