# E14, P9: a special closure within the day, and the date said when it is far
office example
at 2026-12-24 15:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.special
line1 answered
expect play line1 greeting_special reopen_saturday hour_10
line1 hangs up by busy_tone
expect hang up line1
line1 idle
