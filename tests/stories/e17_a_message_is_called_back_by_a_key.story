# E17, P9: who hears a message calls its caller back by a key, on the same phone
office example
at 2026-11-25 10:07:00
call log read
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 3 from 051234567
expect load op1 3
expect play op1 message/m3
op1 presses 7
expect take op1 3           # nobody else calls back meanwhile
expect dial out line3 051234567
line3 far end dialled
expect connect line3 op1
line3 far end busy
expect hang up op1
expect hang up line3
line3 idle
expect record line3 result=not_reached case=message:3 phone=op1
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 4 from withheld
expect load op1 4
expect play op1 message/m4
op1 presses 7               # there is no number: the key means nothing
expect nothing
op1 hangs up
