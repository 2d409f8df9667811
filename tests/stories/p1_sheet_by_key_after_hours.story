# P1, P2, E5: closed; a key leads to a sheet read aloud, the caller has the answer and hangs up: the filter answered
office example
at 2026-11-25 19:30:00
sheets spoken carta:it residenza:it passport:en
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 greeting_closed reopen_tomorrow leave_message key_information without title_carta en/title_passport
line1 presses *
expect play line1 title_carta title_residenza leave_message without title_passport
line1 presses 7
expect nothing
line1 presses 2
expect play line1 sheet_residenza without leave_message
after 20 s
line1 prompt ends
expect play line1 title_carta title_residenza leave_message without en/title_passport
line1 presses 3
expect play line1 en/sheet_passport
line1 presses *
expect play line1 en/title_passport en/leave_message without title_carta
line1 hangs up by busy_tone after 1500 ms
expect hang up line1
line1 idle
expect record result=informed way=voicemail evidence=busy_tone
expect trail line1 greeting sheet.residenza sheet.passport ended
