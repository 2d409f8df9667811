# B4, E5: with no phone reachable at all the caller meets voicemail, not an endless ring
office example
at 2026-11-25 10:00:00
op1 gone
op2 gone
desk1 gone
desk2 gone
line1 rings
line1 caller 051234567
expect answer line1
expect record way=voicemail reason=nobody.reachable
line1 answered
expect play line1 greeting_fault leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by release length 9000 ms trim 500 ms
expect hang up line1
expect store line1 trim 500 ms
line1 hangs up by busy_tone after 600 ms
stored line1
expect nothing
line1 idle
expect record result=message message=message-of-t-1 evidence=busy_tone
