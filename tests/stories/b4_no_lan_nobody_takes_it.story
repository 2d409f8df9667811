# B4, P9: busy, no such number, no key, a line that goes: whatever happens, the caller reaches voicemail
office outside
at 2026-11-25 10:00:00
op1 gone
op2 gone
desk1 gone
desk2 gone
line1 rings
expect dial line3 to citizens_desk
line1 caller 051234567
line3 far end busy
expect hang up line3
expect answer line1
expect record way=voicemail reason=desk.busy
line1 answered
expect play line1 greeting_busy
line3 idle
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line1 rings
expect dial line3 to citizens_desk
line1 caller 051234567
line3 far end answered
expect play line3 offer_call
line3 prompt ends
expect listen line3
line3 far end ringing # nobody had answered: it rings on
expect listen line3
line3 far end answered
expect play line3 offer_call
line3 prompt ends
expect listen line3
after 10 s
expect hang up line3
expect answer line1
expect record way=voicemail reason=desk.no_answer
line1 answered
expect play line1 greeting_no_answer
line3 idle
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line1 rings
expect dial line3 to citizens_desk
line1 caller 051234567
line3 lost unplugged
expect answer line1
expect record way=voicemail reason=nobody.reachable
line1 answered
expect play line1 greeting_fault
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line1 rings
line1 caller 051234567
expect answer line1 # line2 alone is left, and stays free: nobody is called
expect record way=voicemail reason=nobody.reachable
line1 answered
expect play line1 greeting_fault
line1 hangs up by busy_tone
expect hang up line1
line1 idle
