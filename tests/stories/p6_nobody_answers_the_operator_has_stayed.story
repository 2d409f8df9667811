# P6: nobody at the office; the operator who has stayed hears it, opens the rule: an appointment
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
op1 keys **31#
expect hold line1
expect play op1 word_topic
op1 presses 1
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s
line1 prompt ends
expect hold line1
after 20 s
expect stop ana1
expect ring ana2 for 20 s
after 20 s
expect stop ana2
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2
expect record returned=no_answer target=
op1 presses 1
expect hang up op1
expect play line1 leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by silence length 9000 ms
expect request line1 for anagrafe residenza appointment
store fails line1 disk full # told honestly
expect play line1 message_not_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=not_stored
expect trail line1 no_answer.anagrafe.residenza.1 no_answer.anagrafe.residenza.2 returned.anagrafe.no_answer request.anagrafe.residenza.appointment store.failed
