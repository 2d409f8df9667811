# P9, E14: on a holiday the greeting says so, and the day and time of reopening
office example
at 2026-12-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.holiday
line1 answered
expect play line1 greeting_holiday reopen_tomorrow hour_10 leave_message
line1 hangs up by chip_busy
expect hang up line1
line1 idle
