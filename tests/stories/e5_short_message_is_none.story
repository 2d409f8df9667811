# E5, P9: what is too short is no message, and the caller is told
office example
at 2026-11-25 20:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 presses 5
line1 presses #
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by silence length 11000 ms trim 10000 ms
expect drop line1
expect play line1 message_too_short
line1 prompt ends
expect hang up line1
line1 idle
expect record result=no_message
expect trail line1 greeting.skipped recorded.silence
