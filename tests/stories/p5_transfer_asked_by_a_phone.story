# P5: a phone asks for a transfer by its own key: refused in so many words, the call goes on
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
op1 asks for blind transfer to 0512194000
expect no transfer for op1
op1 asks for attended transfer to 22 # and names no call of its own
expect tell op1 481
op1 hangs up # by itself, as some phones do at once when told so: the caller is not dropped
expect hold line1
expect ring op1 op2 showing Centralino 051234567
op1 answers
expect connect line1 op1
expect stop op2 elsewhere
op1 asks for blind transfer to 0512194000
expect no transfer for op1
after 3 s # and this is a person
op1 hangs up
expect hang up line1
line1 idle
expect record phone=op1 result=answered
expect trail line1 talking transfer_refused.blind transfer_refused.attended operator_left ended
