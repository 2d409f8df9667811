# E17, P7: the head has the number withheld; free dialling is bound to classes, calls and minutes
office withheld
at 2026-11-25 10:00:00
call log read
op1 dials 03331234567
expect accept op1
op1 answers
expect dial out line3 *67#3331234567
line3 far end dialled
expect connect line3 op1
line3 far end answered
after 30 min
expect play op1 call_limit
expect hang up line3
op1 prompt ends
expect hang up op1
expect line3 is clearing
line3 idle
expect record line3 result=answered evidence=limit
op1 dials 03331234567
expect accept op1
op1 answers
expect play op1 dial_limit without try_later
op1 prompt ends
expect hang up op1
expect record reason=dial.minutes_limit
at 2026-11-26 20:00:00
op1 dials 03331234567
expect accept op1
op1 answers
expect play op1 off_hours dial_not_known
op1 prompt ends
expect hang up op1
expect record reason=dial.night
at 2026-11-27 10:00:00
op1 dials 0051234567
expect accept op1
op1 hangs up
op1 dials 0051234567
expect accept op1
op1 answers
expect dial out line3 *67#051234567
op1 hangs up
expect hang up line3
line3 idle
op1 dials 0051234567
expect accept op1
op1 answers
expect play op1 dial_limit try_later
after 30 s
expect hang up op1
expect record reason=dial.calls_limit
op2 dials 03331234567
expect accept op2
op2 answers
expect play op2 dial_not_known # only op1 may dial freely
op2 prompt ends
expect hang up op2
