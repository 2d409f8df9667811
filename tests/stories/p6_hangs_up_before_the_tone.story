# P6: a caller who hangs up before the tone is called back by the office all the same
office offices
at 2026-11-25 12:40:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 keys **31#
expect hold line1
expect play op1 resumes_today hour_15 word_appointment digit_1 word_email digit_2
op1 presses 2
expect hang up op1
expect play line1 leave_message en/leave_message
line1 hangs up by busy_tone # the operator has said that the office calls back
expect hang up line1
expect request line1 for anagrafe residenza email without words
line1 idle
request 12 stored line1
expect record result=answered message= evidence=busy_tone
expect trail line1 request.brief request.stored.12
line1 rings
expect ring op1 op2
line1 caller withheld
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 keys **31#
expect hold line1
expect play op1 resumes_today
op1 presses 2
expect hang up op1
expect play line1 leave_message
line1 prompt ends
expect play line1 tone_record
line1 hangs up by busy_tone # nobody could be called back: there is no number
expect hang up line1
line1 idle
expect record result=answered
