# B2, B4, E5: a PBX that gives no dial tone gets no second try: the caller may leave a message
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
line1 prompt ends
expect flash line1 to switchboard.1
line1 far end no_dial_tone
expect flash back line1
line1 flashed
expect play line1 greeting_fault
expect record way=voicemail reason=line.pbx_fault
line1 hangs up by busy_tone
expect hang up line1
line1 idle
