# E1: a call that rang before closing is served to its end, a new one hears the closed greeting
office example
at 2026-11-25 17:59:50
line1 rings
expect ring op1 op2
line1 caller 051234567
after 15 s
line2 rings
line2 caller 0512222222
expect answer line2
expect record line2 reason=closed.hours
line2 answered
expect play line2 greeting_closed reopen_tomorrow
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
