# E18: the record is written at the ring, before anything else is known
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
expect record result=open way=switchboard
line1 gives up
expect stop op1 op2
expect record result=gave_up way=switchboard
expect line1 is idle
