# P9: closed by hand until a time: the greeting says when people answer again
office example
at 2026-11-25 10:00:00
ask closed on by capo until 11:30:00
expect saved closed
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed reopen_today hour_11 minute_30
line1 hangs up by busy_tone
expect hang up line1
line1 idle
at 11:30:00
expect saved nothing
