# P9: a message of full length is kept, and the caller hears why it ended
office example
at 2026-11-25 20:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends cut
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording gap 240 ms
line1 recording ends by limit length 180000 ms
expect store line1
stored line1
expect play line1 message_full message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message
expect trail line1 recording.gap.240
