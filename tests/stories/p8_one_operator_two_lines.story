# P8: one operator, two lines: while the phone rings for one call the other overflows
office one_operator
at 2026-11-25 10:00:00
line1 rings
expect ring op1
line1 caller 0511111111
line2 rings
expect ring desk1 desk2
line2 caller 0512222222
expect record line2 reason=overflow.busy
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
desk1 answers
expect answer line2
expect connect line2 desk1
expect stop desk2 elsewhere
line2 answered
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle
expect line2 is in_use
desk1 hangs up
expect hang up line2
line2 idle
expect record line1 way=switchboard result=answered
expect record line2 way=citizens_desk result=answered
