# P8, E5, B5: no key, or a wish that the disk does not take: the caller may leave words; whoever hangs up has gone
office waiting_first
at 2026-11-25 16:30:00
ask away on by op2
expect saved away:op2
op1 dials 22
expect ring desk2
desk2 answers
expect accept op1
op1 answers
expect join op1 desk2
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy queue_place digit_1 hold en/queue_place en/digit_1
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 queue_place digit_2
after 30 s
expect play line1 queue_place digit_1 hold
expect play line2 queue_place digit_2
line1 calls as a fax by sound after 4020 ms
expect hang up line1
line1 idle
after 30 s
expect ring desk1 # waited for the switchboard: now the counter
expect hold line2
expect record line2 way=citizens_desk reason=overflow.busy
after 20 s
expect stop desk1
expect play line2 callback_offer
line2 prompt ends
expect listen line2
after 5 s # no key
expect play line2 greeting_busy leave_message
line2 hangs up by busy_tone
expect hang up line2
line2 idle
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy
after 30 s
expect play line1 hold
desk1 gone
after 30 s
expect play line1 callback_offer
line1 presses 1
expect listen line1
expect store call back line1
store fails line1 the disk is full
expect play line1 greeting_busy leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy
after 30 s
expect play line1 hold
after 30 s
expect play line1 callback_offer
line1 presses 1
expect listen line1
expect store call back line1
line1 hangs up by busy_tone # the wish stands in the record all the same
expect hang up line1
line1 idle
expect record line1 result=no_message
expect trail line1 callback_wanted ended
