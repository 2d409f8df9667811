# E5, P9: a fax machine calls a closed office; the greeting stops, the box hangs up, no message is left behind
office example
at 2026-11-25 19:30:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
after 5 s
line1 calls as a fax by sound after 4020 ms
expect hang up line1
expect record line1 result=fax evidence=fax release_ms=4020
expect line1 is clearing
line1 idle
expect line1 is idle
expect record line1 result=fax way=voicemail message=
expect trail line1 greeting fax.sound ended
