# P5: a star alone is the caller's, of a code nothing is; what is wrong, too long or too late gives up
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 presses *
after 1 s
expect keys line1 *
op1 keys *7
expect keys line1 *7
op1 keys **3* # taken back
expect nothing
op1 keys **99#
expect hold line1
expect play op1 state_refused
op1 prompt ends
expect connect line1 op1
op1 keys **#
expect hold line1
expect play op1 state_refused
op1 prompt ends
expect connect line1 op1
op1 keys **3
after 5 s
expect hold line1
expect play op1 state_refused
op1 prompt ends
expect connect line1 op1
op1 keys **12345
expect hold line1
expect play op1 state_refused
op1 prompt ends
expect connect line1 op1
op1 keys **3
line1 presses 4 # the caller's own keys are nobody's concern
expect nothing
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle
expect record result=answered unit=
expect trail line1 transfer_refused.no_such_code
