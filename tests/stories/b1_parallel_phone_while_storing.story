# B1, B5: lifted while the caller waits to hear of the message: let go, and the message is stored
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
line1 recording ends by key length 12000 ms
expect store line1
line1 taken
expect hang up line1
stored line1
expect nothing
line1 idle
expect record result=message evidence=parallel_phone
