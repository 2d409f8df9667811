# B4, E5: with the time unknown phones ring, and voicemail says no hour
office example
at 2026-11-25 03:00:00
clock unset
line1 rings
expect ring op1 op2
line1 caller 051234567
expect record reason=open.clock_unset clock_state=unset
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
