# P9: closed; the greeting says when we reopen, the message is stored before the caller is told
office example
at 2026-11-25 19:30:00
expect switchboard is closed
line1 rings
line1 caller 051234567
expect answer line1
expect record way=voicemail reason=closed.hours
line1 answered
expect play line1 welcome greeting_closed reopen_tomorrow hour_8 minute_30 leave_message without back_at write_to word_urp
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1 up to 180 s
line1 recording ends by key length 12000 ms trim 100 ms
expect store line1 trim 100 ms
expect record result=open
after 2 s
stored line1
expect play line1 message_stored en/message_stored
expect record result=message
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message message=message-of-t-1 way=voicemail
expect trail line1 greeting recording recorded.key stored ended
