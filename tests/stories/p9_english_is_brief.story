# P9, E5: the greeting is repeated briefly in English, without spelling the address again
office example
at 2026-11-27 20:00:00
line1 rings
line1 caller unknown
expect answer line1
line1 answered
expect play line1 greeting_closed reopen_tomorrow hour_9 leave_message write_to en/greeting_closed en/reopen_tomorrow en/hour_9 en/leave_message without en/write_to minute_5
line1 gives up
expect hang up line1
line1 idle
expect record result=no_message
