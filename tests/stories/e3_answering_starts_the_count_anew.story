# E3: a call that is answered between two missed ones starts the count anew; one key brings a position back
office one_operator
at 2026-11-25 10:00:00
line1 rings
expect ring op1
line1 caller 051234567
after 12 s
line1 gives up # it rang for long enough: missed
expect stop op1
line1 idle
line1 rings
expect ring op1
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
op1 hangs up
expect hang up line1
line1 idle
line1 rings
expect ring op1
line1 caller 051234567
after 12 s
line1 gives up
expect stop op1
line1 idle
expect op1 is free
line1 rings
expect ring op1
line1 caller 051234567
after 25 s
expect stop op1
expect saved away:op1
expect mail to head about Centralino non presidiato dalle 10:00
expect ring desk1 desk2
line1 gives up
expect stop desk1 desk2
line1 idle
op1 dials *840
expect saved nothing
expect accept op1
op1 answers
expect play op1 state_away_off
op1 prompt ends
expect hang up op1
expect op1 is free
op1 gone
expect op1 is unreachable since 10:00:49
