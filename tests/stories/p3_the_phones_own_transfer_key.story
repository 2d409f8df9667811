# P3, P5: the phone's own transfer key, to the code of an office; the phone is told how it goes
office offices
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
op1 asks for attended transfer to 31
expect tell op1 481
op1 asks for blind transfer to 31*7
expect no transfer for op1
op1 asks for blind transfer to 31*2
expect play line1 connecting
expect tell op1 180
expect ring ana1
line1 prompt ends
expect hold line1
ana1 answers
expect tell op1 200
expect hang up op1
expect connect line1 ana1
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
expect record transfer_reason=depth
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 asks for blind transfer to 31
expect play line1 connecting
expect tell op1 180
expect ring ana1
op1 hangs up # the phone need not wait: the caller is kept
expect nothing
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
op1 answers
expect connect line1 op1
op1 asks for blind transfer to 31
expect play line1 connecting
expect tell op1 180
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect tell op1 480 # and here it has waited
expect connect line1 op1
op1 hangs up # by itself, at that news: the caller is kept all the same
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
op1 answers
expect connect line1 op1
at 12:31:00
op1 asks for blind transfer to 31
expect no transfer for op1
after 3 s
op1 hangs up
expect hang up line1
line1 idle
expect record transfer_reason=other
