# E3, P8: a position that is away is not rung; the last one gone leaves the switchboard unattended
office example
at 2026-11-25 10:00:00
op1 dials *841
expect accept op1
expect saved away:op1
op1 answers
expect play op1 state_away_on
op1 prompt ends
expect hang up op1
line1 rings
expect ring op2 for 25 s
line1 caller 051234567
line1 gives up
expect stop op2
line1 idle
op2 dials *841
expect accept op2
expect saved away:op1 away:op2
expect mail to head about Centralino non presidiato dalle 10:00
op2 hangs up
expect switchboard is unattended
line1 rings
expect ring desk1 desk2
line1 caller 051234567
expect record line1 way=citizens_desk reason=overflow.unattended
line1 gives up
expect stop desk1 desk2
line1 idle
op1 dials *840
expect accept op1
expect saved away:op2
op1 answers
expect play op1 state_away_off
op1 prompt ends
expect hang up op1
expect switchboard is free
