# P5, E23, P6: outside the band nobody is rung; the operator hears when, and a key takes an e-mail at once
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
command by op1: to anagrafe residenza because topic
expect said Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00. Appuntamento o e-mail?
expect nothing
op1 keys **31#
expect hold line1
expect play op1 digit_3 digit_1 bands_from day_9 bands_to hour_12 minute_30 resumes_today hour_15 word_appointment digit_1 word_email digit_2 without word_try nobody_there day_25 bands_and
op1 presses 3 # no third key here
expect nothing
op1 presses 2
expect hang up op1
expect play line1 leave_message en/leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1 up to 180 s
line1 recording ends by key length 12000 ms
expect request line1 for anagrafe residenza email
request 12 stored line1
expect play line1 word_request digit_1 digit_2 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=answered message=
expect trail line1 transfer_refused.anagrafe.residenza.outside_band request.anagrafe.residenza.email request.stored.12
