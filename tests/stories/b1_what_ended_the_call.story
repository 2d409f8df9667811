# B1: every record says by what its call ended: a silence that ended a message, the box that had said all
office example
at 2026-11-25 19:30:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
after 20 s
line1 recording ends by silence length 20000 ms trim 4500 ms
expect store line1 trim 4500 ms
stored line1
expect play line1 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record line1 result=message evidence=silence release_ms=5000
after 10 s
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
after 20 s
line1 recording ends by key length 20000 ms trim 200 ms
expect store line1 trim 200 ms
stored line1
expect play line1 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record line1 result=message evidence=own release_ms=0
