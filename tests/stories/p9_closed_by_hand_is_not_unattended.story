# P9, P8: "Chiuso" and "Non presidiato" are two states; undoing one leaves the other
office example
at 2026-11-25 10:00:00
ask unattended on by op1
expect saved unattended
ask closed on by capo
expect saved unattended closed
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.manual
line1 answered
expect play line1 greeting_closed reopen_today hour_14 leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
ask closed off by capo
expect saved unattended
line1 rings
expect ring desk1 desk2
line1 caller 051234567
line1 gives up
expect stop desk1 desk2
