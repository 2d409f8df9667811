# B2: a half-duplex line by day, configured to take messages
office half_duplex
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=line.half_duplex way=voicemail
line1 answered
expect play line1 greeting_no_answer
line1 hangs up by busy_tone
expect hang up line1
line1 idle
