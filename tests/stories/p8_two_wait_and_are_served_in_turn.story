# P8, E6: those who wait are served in turn, each by one of the free positions; new callers do not overtake them
office waiting
at 2026-11-25 10:00:00
op1 dials 11
expect refuse op1 486
op1 dials 21
expect ring desk1 showing Operatore 1 # both are engaged
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy hold
after 5 s
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy hold
line3 rings
line3 caller 0513333333
expect answer line3 # both places are taken: voicemail
expect record line3 way=voicemail reason=desk.busy
line3 answered
expect play line3 greeting_busy leave_message
line3 hangs up by busy_tone
expect hang up line3
line3 idle
op1 hangs up
expect stop desk1
expect ring op1 showing Centralino 0511111111 # the first one has the switchboard
expect ring desk1 # and the second one the counter, at once
line3 rings
line3 caller 0513333333
expect answer line3 # nobody overtakes
expect record line3 way=voicemail
op1 is busy # another call on that phone's own second line
after 1 s
expect nothing
desk1 answers
expect connect line2 desk1
line3 hangs up by busy_tone
expect hang up line3
line3 idle
after 14 s # a phone that did not take it is rung again after a pause
expect ring op1
op1 answers
expect connect line1 op1
