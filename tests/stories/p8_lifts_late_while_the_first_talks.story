# P8: a phone whose answer crosses the order to stop ringing is hung up; the talk is not touched
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
after 300 ms
op2 answers
expect hang up op2
after 1 min
op1 hangs up
expect hang up line1
line1 idle
expect record phone=op1 result=answered
