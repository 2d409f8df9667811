# P8, P1: by day people are there: the greeting of a busy office offers no sheets, their keys mean nothing
office no_counter
at 2026-11-25 10:00:00
sheets spoken carta:it
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s
expect stop op1 op2
expect answer line1
line1 answered
expect play line1 greeting_no_answer leave_message without title_carta
line1 presses 1
expect nothing
line1 presses 0
expect nothing
line1 prompt ends
expect play line1 tone_record
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record result=no_message
