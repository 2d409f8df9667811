# B1, P9: lifted while the caller speaks: what was said before is kept as a message, nothing of the talk is
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
line1 recording ends by taken length 9000 ms trim 1000 ms
expect hang up line1
expect store line1 trim 1000 ms
line1 taken
expect nothing
line1 idle
stored line1
expect record result=message evidence=parallel_phone
expect trail line1 recorded.taken taken stored
# too short to be a message: whoever lifted the telephone has heard the caller
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by taken length 2500 ms trim 1000 ms
expect drop line1
expect hang up line1
line1 taken
line1 idle
expect record result=taken evidence=parallel_phone
