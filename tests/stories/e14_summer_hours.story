# E14: summer hours have their own week and their own greeting
office example
at 2027-07-14 14:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.period
line1 answered
expect play line1 greeting_summer reopen_tomorrow hour_8 without minute_30 greeting_closed
line1 hangs up by busy_tone
expect hang up line1
line1 idle
