# B9, P9: whom an operator has lifted for is ours: with nobody left the caller may leave words here
office example
at 2026-11-25 10:00:00
sip1 comes over from porto as 051234567
expect ring op1 op2
op1 answers
expect accept sip1
expect stop op2 elsewhere
sip1 answers
expect join sip1 op1
op1 is lost
expect hold sip1
expect ring op2
op2 is unreachable
expect ring desk1 desk2
desk1 is busy
desk2 declines
expect play sip1 leave_message
sip1 prompt ends
expect play sip1 tone_record
sip1 prompt ends
expect recording sip1 up to 180 s
sip1 presses 1
expect nothing
sip1 keys #
expect recording sip1 to end # a line ends its recording by itself, a leg is told to
sip1 recording ends by key length 9000 ms trim 200 ms
expect store porto trim 200 ms
stored porto
expect play sip1 message_stored
sip1 prompt ends
expect hang up sip1
expect record line=porto way=voicemail result=message evidence=own
