# P8, E3: whom nobody has answered yet waits on; who comes back to the screen takes the call that waits longest
office waiting
at 2026-11-25 10:00:00
desk1 gone
desk2 gone
line1 rings
expect ring op1
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy hold en/greeting_busy en/hold
expect op1 can hold, hang up
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
expect ring op1
line1 idle
expect op1 can answer line2
op1 declines
expect op1 can answer line2, dial
screen of op1: answer
expect ring op1 to pick up
op1 answers
expect connect line2 op1
expect trail line2 waiting declined.op1 pick_up.op1 answered.op1 talking
line2 hangs up by busy_tone
expect hang up op1
expect hang up line2
line2 idle
