# B4, P7, P8: no phone can be reached: the counter's ordinary telephone is called over a second line
office outside
at 2026-11-25 10:00:00
op1 gone
op2 gone
desk1 gone
desk2 gone
line1 rings
expect dial line3 to citizens_desk # line2 stays free for the next caller
line1 caller 051234567
expect record way=citizens_desk reason=overflow.unreachable
expect line3 is in_use
line3 far end dialled
line3 far end ringing
line3 presses 1 # nobody has heard of the call yet
expect nothing
line3 far end answered
expect play line3 offer_call without en/offer_call
line3 prompt ends
expect listen line3
line3 presses 5
expect nothing
line3 presses 1
expect answer line1
expect join lines line1 line3
line1 answered
expect record phone=citizens_desk.outside
line3 hangs up by silence # E5: who listens is silent
expect nothing
line3 hangs up by busy_tone
expect hang up line3
expect hang up line1
expect record result=answered
line1 idle
line3 idle
expect line3 is idle
line1 rings
expect dial line3 to citizens_desk
line1 caller 051234567
line1 gives up
expect hang up line3
line3 far end no_answer # it crossed the order
expect nothing
line3 idle
line1 rings
expect dial line3 to citizens_desk
line1 caller 051234567
line3 far end answered
expect play line3 offer_call
line3 presses 1 # who knows the words need not hear them out
expect answer line1
expect join lines line1 line3
line1 answered
line1 hangs up by busy_tone
expect hang up line3
expect hang up line1
line3 restored
line1 idle
expect line3 is idle
