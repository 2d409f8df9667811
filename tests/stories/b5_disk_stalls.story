# B5, B4: a stalled disk keeps a caller 20 s at most; a late success corrects the record
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
after 19 s
expect nothing
after 1 s
expect play line1 message_not_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=not_stored
after 40 s
stored line1
expect nothing
expect record result=message message=message-of-t-1
