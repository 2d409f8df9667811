# B1, E5: a carrier that never settles the caller's identity does not leave the caller alone
office example
at 2026-11-25 10:00:00
line1 rings
after 10 s
expect ring op1 op2 showing Centralino numero sconosciuto
line1 caller 3331234567
expect record caller=3331234567
line1 gives up
expect stop op1 op2
