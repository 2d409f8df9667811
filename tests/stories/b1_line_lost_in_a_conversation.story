# B1, B6: a modem pulled out in a conversation frees the operator; plugged in it serves again
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line1 lost unplugged
expect hang up op1
expect record result=lost evidence=lost phone=op1
expect line1 is out
expect switchboard is free
line1 restored
expect line1 is idle
