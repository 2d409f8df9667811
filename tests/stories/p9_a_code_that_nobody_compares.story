# P9: with the disk stalled no code can be compared: the phone is told to try later, nothing is heard
office example
at 2026-11-25 10:07:00
capo1 dials *86
expect accept capo1
capo1 answers
expect play capo1 pin_ask
capo1 presses 2
capo1 presses #
expect check code capo1 2
after 10 s
expect play capo1 messages_fault
capo1 prompt ends
expect hang up capo1
