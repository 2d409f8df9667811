# E14: opening on a Sunday is as easy as closing on a Monday; the counter has its own hours
office example
at 2026-11-29 09:30:00
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s
expect stop op1 op2
expect answer line1
expect record reason=desk.closed way=voicemail
line1 answered
expect play line1 greeting_no_answer leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
