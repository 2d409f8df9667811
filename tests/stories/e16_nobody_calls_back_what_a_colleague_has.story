# E16, P9: on a phone a message is taken, tried in vain, closed; whoever wants a colleague's is told who
office example
at 2026-11-25 10:07:00
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 3 from 051234567 at 2026-11-25 10:05
expect load op1 3
expect play op1 message_today hour_10 minute_5
op1 prompt ends
expect hear op1 3
op1 presses 5
expect take op1 3
marked op1
expect play op1 tone_record         # it is op1's now
op1 prompt ends                     # the tone is no message: nothing more is heard
op1 presses 6
expect fail op1 3
marked op1
expect play op1 tone_record
op1 presses 3
expect close op1 3 called_back
closed op1
expect fetch op1 after 3
fetched op1 4 from withheld at 2026-11-25 10:01 held by op2
expect load op1 4
expect play op1 message_closed message_held message_today hour_10 message_about message_withheld message/m4
op1 presses 5
expect take op1 4
marked op1 not, a colleague has it
expect play op1 message_held
op1 prompt ends
op1 presses 4
expect close op1 4 not_needed
closed op1 not, a colleague has it
expect play op1 message_held
op1 presses 2
expect fetch op1 after 4
fetched op1 nothing
expect play op1 messages_no_more
op1 prompt ends
expect hang up op1
