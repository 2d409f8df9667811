# E14: the head opens a Sunday weeks ahead, of the switchboard alone; the Sunday after is an ordinary one by itself
office example
at 2026-11-16 09:00:00
hours of switchboard from 2026-12-13 to 2026-12-13 9-12 saying Elezioni
at 2026-12-13 08:59:30
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.period
line1 answered
expect play line1 greeting_closed reopen_today hour_9 leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
at 2026-12-13 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s # the counter keeps its own hours
expect stop op1 op2
expect answer line1
expect record reason=desk.closed way=voicemail
line1 answered
expect play line1 greeting_no_answer leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
at 2026-12-20 10:00:00 # it ended by itself
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.hours
line1 answered
expect play line1 greeting_closed reopen_tomorrow
line1 hangs up by busy_tone
expect hang up line1
line1 idle
