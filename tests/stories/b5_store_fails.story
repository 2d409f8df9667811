# B5: nobody is told "stored" when it is not
office example
at 2026-11-25 20:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 8000 ms
expect store line1
store fails line1 no space left
expect play line1 message_not_stored without message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=not_stored message=
