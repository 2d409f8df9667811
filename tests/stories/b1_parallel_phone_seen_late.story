# B1: a modem that tells of no lifted telephone on hook: the ringing stops, the line is found in use, the record follows
office example
at 2026-11-25 10:00:00
line1 probed free
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
expect record result=gave_up evidence=gave_up
line1 idle
after 3 s
line1 probed in_use
expect record result=taken evidence=parallel_phone
expect trail line1 rang ended taken
expect line1 is in_use_outside
line1 probed free
expect line1 is idle
# somebody lifts it long after: that call was given up
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
after 30 s
line1 probed in_use
expect record result=gave_up evidence=gave_up
expect line1 is in_use_outside
