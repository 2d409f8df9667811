# B2, B1: who hangs up on hold is noticed when the caller's side is heard again; nobody is called for them
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller withheld
expect answer line1
line1 answered
expect play line1 connecting
line1 prompt ends
expect flash line1 to switchboard.1
line1 far end busy
expect flash back line1
line1 flashed
expect play line1 please_wait
line1 prompt ends
expect listen line1
line1 hangs up by chip_busy
expect hang up line1
expect record result=gave_up evidence=chip_busy
line1 idle
