# P1: the phone's hold key is no decision: the call stays whose it is, nobody else rings
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
after 20 s
op1 holds
expect nothing
after 10 min
expect nothing
op1 resumes
expect nothing
op1 hangs up
expect hang up line1
line1 idle
expect record phone=op1 result=answered
