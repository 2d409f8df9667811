# B1, E18: an ordinary telephone lifted while it rings has the call; the office's phones stop, the line is in use
office example
at 2026-11-25 10:00:00
line1 probed free
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 taken
expect stop op1 op2 elsewhere
expect record result=taken evidence=parallel_phone way=switchboard answered=10:00:00 ended=10:00:00
expect trail line1 rang ring.op1,op2 taken ended
expect line1 is in_use_outside
line1 idle
line1 probed in_use
expect nothing
expect line1 is in_use_outside
after 10 min
line1 probed free
expect line1 is idle
line1 rings
expect ring op1 op2
line1 caller withheld
line1 gives up
expect stop op1 op2
