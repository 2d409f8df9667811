# B1, B6: the operator's phone loses power in a conversation: the caller is held, others are rung
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
after 3 min
op1 is lost
expect hold line1
expect ring op2 for 25 s
op2 answers
expect connect line1 op2
op2 hangs up
expect hang up line1
line1 idle
expect record phone=op2 result=answered
expect trail line1 answered.op1 talking operator_lost unreachable.op1 ring.op2 answered.op2 ended
