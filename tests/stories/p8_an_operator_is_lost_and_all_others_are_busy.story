# B6, P8: the operator's phone is lost and all others are busy: the caller waits for the next one
office waiting
at 2026-11-25 10:00:00
line1 rings
expect ring op1
line1 caller 0511111111
line2 rings
expect ring desk1
line2 caller 0512222222
desk1 answers
expect answer line2
expect connect line2 desk1
line2 answered
op1 answers
expect answer line1
expect connect line1 op1
op1 gone
op1 is lost # before the line is up
line1 answered
expect play line1 greeting_busy hold
op1 registers
expect ring op1
op1 answers
expect connect line1 op1
op1 gone
op1 is lost # and once more, in the conversation
expect hold line1
expect play line1 greeting_busy hold
ask unattended on by capo
expect saved unattended
op1 registers
expect nothing # unattended: the switchboard is not rung, the counter is busy
op1 dials *85 # but whoever wants to may take the call
expect accept op1
op1 answers
expect connect line1 op1
desk1 hangs up
expect hang up line2
