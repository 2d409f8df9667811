# B6: the service is stopped in calls: it was neither the people nor a fault that ended them
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
box stopped
expect hang up op1
expect stop op2
expect store line3
expect record line1 result=stopped evidence=stopped
expect record line2 result=stopped evidence=stopped
stored line3
expect record line3 result=message evidence=stopped
expect trail line3 recording.cut released.stopped stored ended
expect line3 is out
