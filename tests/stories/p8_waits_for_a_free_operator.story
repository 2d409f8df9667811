# P8, E5: where callers may wait, all busy means music and a word now and then; whoever becomes free first gets the longest waiting one
office waiting
at 2026-11-25 10:00:00
line1 rings
expect ring op1
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
expect ring desk1 # the counter comes first: no waiting before overflow
line2 caller 0512222222
desk1 answers
expect answer line2
expect connect line2 desk1
line2 answered
line3 rings
line3 caller 0513333333
expect answer line3
expect record line3 way=waiting reason=waiting.queue
line3 answered
expect play line3 greeting_busy hold en/greeting_busy en/hold without queue_place
expect trail line3 rang caller.shown route.waiting.queue waiting
line3 prompt ends
expect hold line3
after 30 s # told again, every half minute
expect play line3 hold en/hold without greeting_busy
line3 prompt ends
expect hold line3
line3 hangs up by silence # who listens is silent
expect nothing
desk1 hangs up
expect hang up line2
expect ring desk1 for 20 s showing line3 0513333333
after 20 s # nobody lifted there: the caller waits on
expect stop desk1
after 14 s
expect play line3 hold
line3 prompt ends
expect hold line3
expect nothing
op1 hangs up
expect hang up line1
expect ring op1
op1 answers
expect connect line3 op1
expect record line3 way=switchboard phone=op1
line1 idle
line2 idle
line3 hangs up by busy_tone
expect hang up op1
expect hang up line3
expect record line3 result=answered
line3 idle
