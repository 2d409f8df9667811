# B1, B5: a modem pulled out in a message: what was said so far is stored
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
line1 recording ends by lost length 7000 ms
expect hang up line1
expect store line1
line1 lost unplugged
stored line1
expect record result=message evidence=lost
