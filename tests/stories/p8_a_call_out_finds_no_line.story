# P8, B1: one line stays free to answer; a line without dial tone is told, a phone that is put down frees it
office example
at 2026-11-25 10:00:00
call log read
op1 dials 051
expect accept op1
op1 answers
expect play op1 cannot_dial without no_line try_later
op1 prompt ends
expect hang up op1
op1 is asked to call back 051234567 for request:7
expect told yes
expect ring op1
op1 answers
expect dial out line3 051234567
line3 far end no_dial_tone
expect hang up line3
expect play op1 no_line try_later without cannot_dial
op1 prompt ends
expect hang up op1
expect record line3 result=not_reached reason=out.no_dial_tone
line3 idle
expect line3 is idle
op1 is asked to call back 051234567 for request:7
expect told yes
expect ring op1
op1 answers
expect dial out line3 051234567
op1 hangs up
expect hang up line3
line3 far end dialled # it crossed the order
expect nothing
after 30 s
expect line3 is clearing # not proven idle: in doubt, and said so
line3 idle
expect line3 is idle
op1 is asked to call back 051234567 for request:7
expect told yes
expect ring op1
op1 answers
expect dial out line3 051234567
line3 far end dialled
expect connect line3 op1
line3 far end answered
line3 lost
expect hang up op1
expect record line3 result=answered reason=out.lost
line2 rings
expect ring op1 op2
line2 caller withheld
op1 is asked to call back 051234567 for request:7
expect told no
op2 is asked to call back 051234567 for request:7
expect told no
desk1 is asked to call back 051234567 for request:7
expect told yes
expect ring desk1
desk1 answers
expect play desk1 no_line try_later # line1 is the last one to answer
desk1 prompt ends
expect hang up desk1
expect record reason=out.no_line
line2 gives up
expect stop op1 op2
op1 is asked to call back 051234567 for request:7
expect told yes
expect ring op1
carrier lost
expect stop op1
expect record result=not_reached evidence=lost
