# B9, B6: the operator's phone loses power: the caller who came over is held, and others ring
office example
at 2026-11-25 10:00:00
sip1 comes over from porto as 051234567
expect ring op1 op2 for 25 s
op1 answers
expect accept sip1
expect stop op2 elsewhere
sip1 answers
expect join sip1 op1
expect op1 is busy
op1 is lost
expect hold sip1
expect ring op2 for 25 s showing porto 051234567
op2 answers
expect join sip1 op2
op2 hangs up
expect hang up sip1
expect record line=porto phone=op2 result=answered evidence=operator
expect trail porto answered.op1 talking operator_lost unreachable.op1 ring.op2 answered.op2 ended
