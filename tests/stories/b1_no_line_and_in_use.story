# B1: no line, in use beside the box, out of order and missing are told apart on hook
office example
at 2026-11-25 10:00:00
line1 probed no_line
expect line1 is no_line
line1 lost the modem is stuck
expect line1 is out
line1 restored
expect line1 is idle
line1 probed in_use
expect line1 is in_use_outside
line1 probed no_line
expect line1 is no_line
line1 probed unknown
expect line1 is idle
line2 probed no_line
line2 rings # a bell proves that there is a line
expect ring op1 op2
expect line2 is ringing
line2 probed no_line
expect line2 is ringing
line2 gives up
expect stop op1 op2
line2 idle
expect line2 is idle
