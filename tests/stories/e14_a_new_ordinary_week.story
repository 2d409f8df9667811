# P9, E14: the head closes every afternoon from tomorrow on: a caller at 14:05 is served today and hears the closed greeting tomorrow; the configured hours come back
office example
at 2026-11-17 14:05:00
every week of switchboard from 2026-11-18 8:30-13
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
at 2026-11-18 14:05:00
line1 rings
line1 caller 051234567
expect answer line1
expect record line1 reason=closed.hours way=voicemail
line1 answered
expect play line1 greeting_closed reopen_tomorrow leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
every week of switchboard from 2026-11-18 configured
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
