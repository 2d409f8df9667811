# E5: while the clock cannot be trusted who is there decides; nobody is ever left to voicemail for a day
office example
at 2026-11-25 22:00:00
clock stale
line1 rings
expect ring op1 op2
line1 caller 051234567
expect record reason=open.clock_unset clock_state=stale
after 25 s
expect stop op1 op2
expect ring desk1 desk2
after 20 s
expect stop desk1 desk2
expect answer line1
line1 answered
expect play line1 greeting_no_answer without reopen_today reopen_tomorrow
line1 hangs up by busy_tone
expect hang up line1
line1 idle

# nobody was there: the next one is told so at once, without an hour
after 5 min
line1 rings
line1 caller 051234567
expect record reason=closed.clock
expect answer line1
line1 answered
expect play line1 greeting_no_answer without reopen_today reopen_tomorrow
line1 hangs up by busy_tone
expect hang up line1
line1 idle

# half an hour after it was tried it is tried again, and somebody is there
after 30 min
line1 rings
expect ring op1 op2
line1 caller 051234567
expect record reason=open.clock_unset
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 hangs up
expect hang up line1
line1 idle
