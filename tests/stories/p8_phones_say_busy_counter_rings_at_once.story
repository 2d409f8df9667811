# P8: phones that answer busy do not make the caller wait for the ring time
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 is busy
expect nothing
op2 is busy
expect ring desk1 desk2
expect record reason=overflow.busy
desk1 declines
desk2 is unreachable
expect answer line1
line1 answered
expect play line1 greeting_busy leave_message key_information without write_to reopen_today reopen_tomorrow
expect record way=voicemail reason=desk.declined
expect trail line1 busy.op1 busy.op2 route.overflow.busy declined.desk1 unreachable.desk2
line1 hangs up by dial_tone after 900 ms
expect hang up line1
line1 idle
expect record result=no_message evidence=dial_tone release_ms=900
