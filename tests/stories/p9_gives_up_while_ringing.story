# P9, E18: a caller who gives up while it rings is in the records with the number
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 3331234567
after 5 s
line1 gives up
expect stop op1 op2
expect record result=gave_up evidence=gave_up caller=3331234567 way=switchboard ended=10:00:05
