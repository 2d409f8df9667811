# E5, P9: hanging up after the tone leaves a call without message, not an empty message
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
line1 recording ends by release length 2900 ms trim 1500 ms
expect drop line1
expect hang up line1
line1 hangs up by busy_tone after 1400 ms
line1 idle
expect record result=no_message evidence=busy_tone
