# E11, P7: at night 112 and the numbers on duty, authorised in writing, are told by a key that the greeting names
office night
at 2026-11-25 21:00:00
expect degraded Numero reperibile non autorizzato
polizia authorises +39051598333
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect mail to head about Numero reperibile non detto: acquedotto
expect play line1 welcome greeting_closed hour_8 minute_30 leave_message key_emergency privacy without emergency_112 duty_number digit_0
line1 presses *
expect play line1 emergency_112 duty_number digit_0 digit_5 digit_1 digit_5 digit_9 digit_8 digit_3 digit_3 digit_3 leave_message without greeting_closed
expect trail line1 greeting told.polizia
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record result=no_message
