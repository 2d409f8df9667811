# E2, E1: what counts is the counter's state when the call reaches it
office example
at 2026-11-25 16:59:50
expect desk is free
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s
expect stop op1 op2
expect answer line1
expect record reason=desk.closed
line1 answered
expect play line1 greeting_no_answer
line1 hangs up by busy_tone
expect hang up line1
line1 idle
