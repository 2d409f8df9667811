# B5: the line takes the next call while the last message is still being stored
office example
at 2026-11-25 20:00:00
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 8000 ms
expect store line1
line1 hangs up by busy_tone after 500 ms
expect hang up line1
stored line1
expect line1 is clearing
line1 idle
expect record line1 result=message
line1 rings
expect record line1 result=open
line1 gives up
