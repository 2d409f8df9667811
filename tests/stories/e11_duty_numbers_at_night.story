# E11, P7: the closed greeting names 112 and the numbers on duty whose unit has authorised it in writing, and the notice comes before the message
office night
at 2026-11-25 21:00:00
expect degraded Numero di turno non autorizzato
polizia authorises +39051598333
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect mail to head about Numero di turno non detto: acquedotto
expect play line1 greeting_closed hour_8 minute_30 emergency_112 duty_number digit_0 digit_5 digit_1 digit_5 digit_9 digit_8 digit_3 digit_3 digit_3 privacy leave_message en/emergency_112 en/duty_number en/digit_0 en/privacy
expect trail line1 greeting told.polizia
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record result=no_message
