# E2, E5: an office without a counter goes from the switchboard to voicemail
office no_counter
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 declines
op2 declines
expect answer line1
expect record reason=desk.none
line1 answered
expect play line1 greeting_no_answer leave_message without write_to
line1 hangs up by busy_tone
expect hang up line1
line1 idle
