# B2, P8, P9: unattended goes to the counter's extension, closed to voicemail; learned half duplex too
office pbx
at 2026-11-25 10:00:00
line2 restored half-duplex
ask unattended on by capo until 11:30:00
expect saved unattended
line2 rings
line2 caller 051234567
expect answer line2
expect record way=citizens_desk reason=overflow.unattended
line2 answered
expect play line2 connecting
line2 prompt ends
expect flash line2 to citizens_desk.1
line2 far end answered
expect play line2 offer_call
line2 presses 1 # whoever knows the words need not hear them out
expect hang up line2
line2 idle
at 22:00:00
expect saved nothing
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 hangs up by busy_tone
expect hang up line1
line1 idle
