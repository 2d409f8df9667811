# B5: a caller who speaks into a full disk is told at once, and politely let go
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
after 10 s
store fails line1 no space left
expect store line1
expect play line1 message_not_stored without message_stored
expect record result=not_stored
expect trail line1 recording store.failed
line1 recording ends by ordered length 10000 ms
store fails line1 no space left
expect nothing
line1 prompt ends
expect hang up line1
expect line1 is clearing
line1 idle
expect line1 is idle
expect record result=not_stored message=

# the caller does not wait for the sentence's end
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
store fails line1
expect store line1
expect play line1 message_not_stored
line1 hangs up by busy_tone after 500 ms
expect hang up line1
line1 idle
expect record result=not_stored evidence=busy_tone
