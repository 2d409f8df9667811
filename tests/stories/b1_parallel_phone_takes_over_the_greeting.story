# B1: lifted while the closed office's greeting runs: the box lets go, the handset has the caller
office example
at 2026-11-25 20:00:00
line1 probed free
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 taken
expect hang up line1
expect line1 is clearing
line1 idle
expect record result=taken evidence=parallel_phone way=voicemail
expect line1 is in_use_outside
line1 probed free
expect line1 is idle
