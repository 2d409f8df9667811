# E22: a phone that does not pick up by itself is lifted; the page says so, and it is not rung anew for nothing
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
screen of op1: answer
expect pick up op1
after 4 s
expect op1 can answer line1
after 1 s
expect op1 can answer line1, lift
expect op1 answers by itself: unknown # not before it was seen
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
expect op1 answers by itself: rings
line1 answered
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle
line1 rings
expect ring op1 op2
expect op1 can answer line1, lift
screen of op1: answer
expect said Alzare la cornetta per rispondere: il telefono non risponde da solo.
expect nothing
op1 gone
op1 registers # another phone, or the same one set up anew: it is tried again
expect op1 answers by itself: unknown
screen of op1: answer
expect pick up op1
line1 gives up
expect stop op1 op2
expect op1 can dial
