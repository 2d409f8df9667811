# E16, E17, P9: after a message one key takes it and calls back at once, unless a colleague has it
office example
at 2026-11-25 10:07:00
call log read
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 2 from withheld at 2026-11-25 10:00
expect load op1 2
expect play op1 message_today message_keys without message_call
op1 presses 7
expect nothing                      # there is nobody to call
op1 presses 2
expect fetch op1 after 2
fetched op1 3 from 051234567 at 2026-11-25 10:05 held by op2
expect load op1 3
expect play op1 message_held message_today without message_call
op1 presses 7
expect play op1 message_held
op1 prompt ends
op1 presses 2
expect fetch op1 after 3
fetched op1 4 from 051234567 at 2026-11-25 10:05
expect load op1 4
expect play op1 message_today message_call without message_keys # the first that can be called back
op1 prompt ends
expect hear op1 4
op1 presses 7
expect take op1 4
expect dial out line3 051234567
marked op1                          # the phone is in its call already
line3 far end dialled
expect connect line3 op1
op1 hangs up
expect hang up line3
line3 idle
expect record line3 case=message:4
