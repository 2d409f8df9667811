# E14, E1: the head closes at once; who rang before is served to the end, the next caller hears why and when it opens again
office example
at 2026-11-16 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
hours of house from 2026-11-16 to 2026-11-16 closed saying Sciopero with greeting_strike
expect nothing
line2 rings
line2 caller 0512222222
expect answer line2
expect record line2 reason=closed.special way=voicemail
line2 answered
expect play line2 greeting_strike reopen_tomorrow leave_message
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line2 hangs up by busy_tone
expect hang up line2
line2 idle
after 10 min
op1 hangs up
expect hang up line1
line1 idle
expect record line1 result=answered reason=open.free
at 2026-11-17 10:00:00 # it ended by itself
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
