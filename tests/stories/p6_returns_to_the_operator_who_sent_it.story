# P6, E6: blind, and nobody answers: it returns to the same operator, whose screen says from where
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op2 answers
expect answer line1
expect connect line1 op2
expect stop op1 elsewhere
line1 answered
command by op2: to anagrafe residenza because depth blind
expect play line1 connecting
expect hang up op2
expect ring ana1
line1 prompt ends
expect hold line1
ana1 declines
expect ring ana2
ana2 is unreachable
expect play line1 office_no_answer
expect ring op2 for 25 s showing Ritorno: Anagrafe
expect line1 shows Ritorno: Anagrafe (op2)
line1 prompt ends
expect hold line1
op2 answers
expect connect line1 op2
op2 keys **# # the office's rule, one key away
expect hold line1
expect play op2 word_appointment digit_1 word_email digit_2
op2 presses *
expect connect line1 op2
op2 keys **31# # P5: or another try, under the declaration
expect hold line1
expect play op2 word_topic
op2 presses 1
expect play line1 connecting
expect play op2 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op2 ana1
op2 presses #
expect hang up op2
expect connect line1 ana1
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
expect record returned= result=answered
