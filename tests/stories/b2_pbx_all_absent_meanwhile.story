# E4, B2: all absent: no extension rings any more, whoever is being called or about to be
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
line1 prompt ends
expect flash line1 to switchboard.1
ask unattended on by capo until 11:00:00 # whom it rings for is served
expect saved unattended
ask absent on by capo until 11:00:00
expect saved unattended absent
expect flash back line1
line1 flashed
expect play line1 greeting_absent
line1 hangs up by busy_tone
expect hang up line1
line1 idle
ask absent off by capo
expect saved unattended
ask unattended off by capo
expect saved nothing
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 connecting
ask absent on by capo until 11:00:00
expect saved absent
expect play line1 greeting_absent
line1 hangs up by busy_tone
expect hang up line1
line1 idle
