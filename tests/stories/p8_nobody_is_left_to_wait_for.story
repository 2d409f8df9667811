# P8, E3, E4: nobody waits for nobody: the last position gone, or all absent, leads to voicemail at once
office waiting
at 2026-11-25 10:00:00
desk1 gone
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
ask away on by op1
expect saved away:op1
expect mail to head about Centralino non presidiato dalle 10:00
after 1 ms
expect play line2 callback_offer
expect record line2 reason=waiting.over
after 35 s
expect play line2 greeting_unattended
line2 hangs up by busy_tone
expect hang up line2
line2 idle
ask away off by op1
expect saved nothing
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy hold
line3 rings
line3 caller 0513333333
expect answer line3 # its line has not come up yet
ask absent on by capo until 10:30:00
expect saved absent
expect play line2 greeting_absent
line3 answered
expect play line3 greeting_absent
line2 hangs up by busy_tone
expect hang up line2
line2 idle
line3 hangs up by busy_tone
expect hang up line3
line3 idle
op1 hangs up
expect hang up line1
line1 idle
