# B6: the carrier dies: operators are let go, messages kept, lines come back one by one
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line2 rings
expect ring op2
line2 caller 0512222222
ask closed on by capo
expect saved closed
line3 rings
line3 caller unknown
expect answer line3
line3 answered
expect play line3 greeting_closed
line3 prompt ends
expect play line3 tone_record
line3 prompt ends
expect recording line3
after 6 s
carrier lost
expect hang up op1
expect stop op2
expect store line3
expect record line1 result=lost
expect record line2 result=lost
stored line3
expect record line3 result=message
expect line3 is out
carrier restored
line3 restored
expect line3 is idle
expect line1 is out
