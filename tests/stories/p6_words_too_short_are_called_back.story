# P6: whose words are too short to say anything is called back: nothing that was promised is lost
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
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1 up to 180 s
line1 recording ends by key length 900 ms
expect request line1 for anagrafe residenza email
request 12 stored line1
expect play line1 word_request digit_1 digit_2 callback_noted without message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=answered message=
expect trail line1 request.brief request.stored.12
