# E4, E5: who is offered a call back as all go away, and presses no key, hears why nobody answers
office waiting
at 2026-11-25 10:00:00
ask away on by desk1
expect saved away:desk1
line1 rings
expect ring op1
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy hold
after 30 s
expect play line2 hold
after 30 s
expect play line2 hold
after 30 s
expect play line2 hold
after 30 s
expect play line2 callback_offer en/callback_offer
ask absent on by capo until 10:30:00 # the offer holds: a call back is no call now
expect saved away:desk1 absent
line2 prompt ends
expect listen line2
after 5 s
expect play line2 greeting_absent back_at hour_10 minute_30 leave_message without greeting_busy
line2 hangs up by busy_tone
expect hang up line2
line2 idle
expect record line2 result=no_message reason=absent
op1 hangs up
expect hang up line1
line1 idle
