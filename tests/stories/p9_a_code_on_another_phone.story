# P9: messages are the front desk's; on a phone of neither group a code is asked, three wrong ones lock it out
office example
at 2026-11-25 10:07:00
capo1 dials *86
expect accept capo1
capo1 answers
expect play capo1 pin_ask
capo1 presses 2
capo1 presses 5
capo1 presses 8
capo1 presses 1
capo1 presses #
expect check code capo1 2581
code of capo1 is wrong
expect play capo1 state_refused pin_ask
capo1 presses 2
capo1 presses 5
capo1 presses 8
capo1 presses 0
capo1 presses #
expect check code capo1 2580
code of capo1 is right
expect fetch capo1 after 0
fetched capo1 nothing
expect play capo1 messages_none
capo1 prompt ends
expect hang up capo1
capo1 dials *86                     # the next time three wrong ones
expect accept capo1
capo1 answers
expect play capo1 pin_ask
capo1 presses #
expect check code capo1
code of capo1 is wrong
expect play capo1 state_refused pin_ask
capo1 presses 1
capo1 presses 1
capo1 presses 1
capo1 presses 1
capo1 presses 1
capo1 presses 1
capo1 presses 1
capo1 presses 1                     # as long as a code can be: no hash is waited for
expect check code capo1 11111111
code of capo1 is wrong
expect play capo1 state_refused pin_ask
capo1 presses #
expect check code capo1
code of capo1 is wrong
expect play capo1 state_refused
capo1 prompt ends
expect hang up capo1
capo1 dials *86
expect accept capo1
capo1 answers
expect play capo1 messages_fault    # later, says the box, and does not ask
capo1 prompt ends
expect hang up capo1
after 600 s
capo1 dials *86
expect accept capo1
capo1 answers
expect play capo1 pin_ask
capo1 hangs up
