# P1, B1: an operator answers; the number called and the caller are shown
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 for 25 s showing Centralino
line1 caller 3331234567
expect ring op1 op2 showing Centralino 3331234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
expect record result=open phone=op1 answered=10:00:00
after 3 min
op1 hangs up
expect hang up line1
line1 idle
expect record way=switchboard result=answered reason=open.free phone=op1 ended=10:03:00 evidence=operator
expect trail line1 rang route.open.free ring.op1,op2 caller.shown answered.op1 talking operator_left ended
