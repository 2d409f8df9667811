# E5, P9: a fax machine is first heard while the message is recorded: nobody spoke, nothing is stored
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
after 6 s
line1 calls as a fax by chip after 3500 ms
expect record line1 evidence=fax release_ms=3500
line1 recording ends by fax length 6000 ms trim 6000 ms
expect drop line1
expect hang up line1
line1 idle
expect record line1 result=fax message=
expect trail line1 recording fax.chip recorded.fax ended
