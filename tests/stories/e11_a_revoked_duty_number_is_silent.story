# E11, P7: a duty number whose authorisation is revoked is not told any more; 112 still is, and the desk sees why
office night
at 2026-11-25 20:00:00
polizia authorises 051598333
polizia revokes
expect degraded Numero reperibile non autorizzato, non viene detto a ufficio chiuso: polizia
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect mail to head about Numero reperibile non detto: polizia
expect mail to head about Numero reperibile non detto: acquedotto
expect play line1 greeting_closed leave_message emergency_112 without key_emergency duty_number digit_0 digit_5
line1 hangs up by busy_tone
expect hang up line1
line1 idle
# by day nobody is told where to call at night
at 2026-11-26 09:00:00
acquedotto authorises 00390515
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s
expect stop op1 op2
expect ring desk1 desk2
after 20 s
expect stop desk1 desk2
expect answer line1
line1 answered
expect play line1 greeting_no_answer leave_message privacy without emergency_112 key_emergency duty_number
line1 hangs up by busy_tone
expect hang up line1
line1 idle
