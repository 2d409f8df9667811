# E14: opened by hand outside the hours, until the next written change
office example
at 2026-11-25 13:10:00
ask opened on by op1
expect saved opened
line1 rings
expect ring op1 op2
line1 caller 051234567
expect record reason=open.manual
line1 gives up
expect stop op1 op2
at 14:00:00
expect saved nothing
expect switchboard is free
