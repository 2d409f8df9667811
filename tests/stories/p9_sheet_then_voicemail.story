# P9, E5: whoever has heard a sheet and does nothing, or presses 0 or #, may leave a message as always
office example
at 2026-11-25 19:30:00
sheets spoken carta:it
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 leave_message key_information
line1 presses 1
expect play line1 sheet_carta
line1 prompt ends
expect play line1 title_carta leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 12000 ms
expect store line1
stored line1
expect play line1 message_stored
expect record result=message
line1 prompt ends
expect hang up line1
line1 idle
# somebody who knows the way: no sheet, straight to the tone
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 key_information
line1 presses 0
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by release length 500 ms
expect drop line1
expect hang up line1
line1 idle
expect record result=no_message
# a sheet, then the tone, and nothing more to say: the sheet was the answer
line1 rings
line1 caller 051234567
expect answer line1
line1 answered
expect play line1 key_information
line1 presses 1
expect play line1 sheet_carta
line1 presses #
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by release length 500 ms
expect drop line1
expect hang up line1
line1 idle
expect record result=informed
