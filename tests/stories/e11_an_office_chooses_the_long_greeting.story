# E11, E5: an office may have everything said before the tone, in every language; the way to the tone is told early
office long_greeting
at 2026-11-25 21:00:00
expect degraded Numero reperibile non autorizzato
polizia authorises 051598333
sheets spoken carta:it passport:en
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 welcome greeting_closed reopen_tomorrow leave_message emergency_112 duty_number digit_0 title_carta write_to word_urp privacy en/greeting_closed en/leave_message en/emergency_112 en/duty_number en/title_passport en/privacy without language_key key_both en/write_to
expect trail line1 greeting told.polizia
line1 presses *
expect nothing
line1 presses 9
expect nothing
line1 presses 1
expect play line1 sheet_carta
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record result=informed
