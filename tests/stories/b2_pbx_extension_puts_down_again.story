# B2, P8: lifted and put down, or rung on after all: told apart; nothing heard at all ends too
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
line1 prompt ends
expect flash line1 to switchboard.1
line1 far end answered
expect play line1 offer_call
line1 prompt ends
expect listen line1
line1 far end ringing # nobody had answered: it rings on
expect listen line1
line1 far end answered
expect play line1 offer_call
line1 far end busy
expect flash back line1
line1 flashed
expect play line1 please_wait
line1 prompt ends
expect listen line1
after 2 s
expect flash line1 to switchboard.2
after 40 s # the carrier never said anything
expect flash back line1
after 10 s
expect play line1 please_wait
expect record way=citizens_desk
expect trail line1 pbx.switchboard.1 pbx.ringing pbx.busy pbx.switchboard.2 pbx.never_told
line1 prompt ends
expect listen line1
after 2 s
expect flash line1 to citizens_desk.1
line1 far end sit
expect flash back line1
line1 flashed
expect play line1 greeting_no_answer
line1 hangs up by busy_tone
expect hang up line1
line1 idle
