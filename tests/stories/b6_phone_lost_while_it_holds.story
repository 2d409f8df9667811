# B1, B6: a phone that loses power while it holds its caller: others are rung, music goes on
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
op1 holds
expect nothing
op1 is lost
expect hold line1
expect ring op2 for 25 s
op2 answers
expect connect line1 op2
op2 hangs up
expect hang up line1
line1 idle
expect record phone=op2 result=answered
