# E14, P9: the patron saint is a holiday like any other
office example
at 2026-11-30 10:00:00
expect desk is closed
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.holiday
line1 answered
expect play line1 greeting_holiday reopen_tomorrow hour_8 minute_30
line1 hangs up by busy_tone
expect hang up line1
line1 idle
