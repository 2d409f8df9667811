# E11, E5: nobody needs a key: whoever leaves a message, or says nothing, hears the numbers for emergencies at its end
office night
at 2026-11-25 21:00:00
expect degraded Numero reperibile non autorizzato
polizia authorises 051598333
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect mail to head about Numero reperibile non detto: acquedotto
expect play line1 greeting_closed key_emergency without emergency_112
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 9000 ms
expect store line1
stored line1
expect play line1 message_stored emergency_112 duty_number digit_0 en/message_stored en/emergency_112 en/duty_number en/digit_0
expect trail line1 stored told.polizia
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message
# who says nothing hears them too, and not what was revoked meanwhile
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed key_emergency
expect mail to head about Numero reperibile non detto: acquedotto
line1 presses #
expect play line1 tone_record
polizia revokes
expect degraded Numero reperibile non autorizzato
line1 prompt ends
expect recording line1
line1 recording ends by silence length 500 ms
expect drop line1
expect play line1 message_too_short emergency_112 en/message_too_short en/emergency_112 without duty_number digit_0
line1 prompt ends
expect hang up line1
line1 idle
expect record result=no_message
