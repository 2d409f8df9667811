# B2, E5: a half-duplex line with an ordinary phone beside it rings there first, then voicemail
office half_duplex
at 2026-11-25 10:00:00
line2 rings
line2 caller 051234567
expect nothing
expect record reason=line.parallel_phone way=none
after 25 s
expect answer line2
expect record reason=line.parallel_unanswered way=voicemail
line2 answered
expect play line2 greeting_no_answer
line2 hangs up by busy_tone
expect hang up line2
line2 idle
line3 restored half-duplex
line3 rings
line3 caller 051234567
expect answer line3
expect record line3 reason=line.half_duplex
line3 answered
expect play line3 greeting_no_answer
line3 hangs up by busy_tone
expect hang up line3
line3 idle
# by day it is that telephone that serves: lifted, it has the call and the box forgets it
line2 rings
line2 caller 051234567
line2 taken
expect nothing
expect record line2 result=taken evidence=parallel_phone
