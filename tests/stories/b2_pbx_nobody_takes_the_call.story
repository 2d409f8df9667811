# B2, P8, P9: busy, no answer, the counter's extension without a key: the caller is back, voicemail
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
line1 prompt ends
expect flash line1 to switchboard.1
line1 far end dialled
line1 far end busy
expect flash back line1
line1 flashed
expect play line1 please_wait without en/please_wait
line1 prompt ends
expect listen line1 # is the caller still there?
after 2 s
expect flash line1 to switchboard.2
line1 far end ringing
line1 far end no_answer
expect flash back line1
line1 flashed
expect play line1 please_wait
expect record way=citizens_desk reason=overflow.no_answer
line1 prompt ends
expect listen line1
after 2 s
expect flash line1 to citizens_desk.1
line1 far end answered
expect play line1 offer_call
line1 prompt ends
expect listen line1
after 6 s # nobody presses a key: told once more
expect play line1 offer_call
line1 prompt ends
expect listen line1
after 6 s
expect flash back line1
line1 flashed
expect play line1 greeting_no_answer leave_message
expect record way=voicemail reason=desk.no_answer
expect trail line1 pbx.switchboard.1 pbx.busy pbx.returned pbx.switchboard.2 pbx.citizens_desk.1 pbx.no_key pbx.returned
line1 hangs up by busy_tone
expect hang up line1
line1 idle
