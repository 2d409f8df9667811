# E1, P9: at lunch the greeting says that we reopen today at two
office example
at 2026-11-25 13:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.hours
line1 answered
expect play line1 greeting_closed reopen_today hour_14 leave_message without reopen_tomorrow
line1 hangs up by busy_tone
expect hang up line1
line1 idle
