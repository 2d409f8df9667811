# P9, E5: the key for English is said in English at once; what follows is in English, and ends in the tone
office example
at 2026-11-27 20:00:00
line1 rings
line1 caller unknown
expect answer line1
line1 answered
expect play line1 welcome en/language_key greeting_closed reopen_tomorrow hour_9 leave_message key_information without en/greeting_closed write_to
line1 presses 9
expect play line1 en/greeting_closed en/reopen_tomorrow en/hour_9 en/leave_message en/key_information without welcome en/welcome greeting_closed
line1 presses *
expect play line1 en/write_to en/word_urp en/leave_message without write_to
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 12000 ms
expect store line1
stored line1
expect play line1 en/message_stored without message_stored
expect trail line1 greeting language.en recording
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message
# 9 once more leads back; somebody who plays with keys comes to the tone all the same
line1 rings
line1 caller unknown
expect answer line1
line1 answered
expect play line1 greeting_closed
line1 presses 9
expect play line1 en/greeting_closed
line1 presses 9
expect play line1 greeting_closed leave_message without en/greeting_closed
line1 presses #
expect play line1 tone_record
line1 gives up
expect hang up line1
line1 idle
expect record result=no_message
