# B6: nobody else is free either: the caller is greeted and may leave a message
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
op1 is lost
expect hold line1
expect ring op2
op2 is unreachable
expect ring desk1 desk2
desk1 is busy
desk2 declines
expect play line1 leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 9000 ms
expect store line1
stored line1
expect play line1 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message
