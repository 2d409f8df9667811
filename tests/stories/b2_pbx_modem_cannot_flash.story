# B2, E5: neither flash nor way back: whatever the modem refuses, the caller reaches voicemail
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
after 30 s # its end was never told
expect flash line1 to switchboard.1
line1 far end refused
expect flash back line1
line1 flashed refused
expect play line1 greeting_fault
line1 hangs up by busy_tone
expect hang up line1
line1 idle
