# B1, E4: lifted in a conversation nobody is cut off: three talk; the operator hangs up, the handset keeps the caller
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
line1 taken
expect nothing
after 1 min
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered evidence=operator phone=op1
expect trail line1 talking shared operator_left
line1 probed in_use
expect line1 is in_use_outside
