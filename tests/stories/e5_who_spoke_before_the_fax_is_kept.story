# E5, P9: somebody speaks and then presses the fax machine's key: the words are kept, the tone is not
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
line1 calls as a fax by sound after 4020 ms
line1 recording ends by fax length 20000 ms trim 4120 ms
expect hang up line1
expect store line1 trim 4120 ms
stored line1
line1 idle
expect record line1 result=message evidence=fax
