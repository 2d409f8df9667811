# E4: the key for all absent stops the phones that ring at once
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
desk1 dials *831
expect accept desk1
expect saved absent
expect stop op1 op2
expect answer line1
line1 answered
expect play line1 greeting_absent back_at hour_10 minute_30
desk1 answers
expect play desk1 state_absent_on
desk1 hangs up
line1 hangs up by busy_tone
expect hang up line1
line1 idle
