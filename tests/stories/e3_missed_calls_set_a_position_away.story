# E3: after two missed calls in a row a position is away by itself; lifting the handset brings it back
office example
at 2026-11-25 10:00:00
ask away on by op2
expect saved away:op2
line1 rings
expect ring op1
line1 caller 051234567
after 25 s # the first missed call
expect stop op1
expect ring desk1 desk2
expect op1 is free
line1 gives up
expect stop desk1 desk2
line1 idle
line1 rings
expect ring op1
line1 caller 051234567
after 9 s
line1 gives up # no chance to lift: this one does not count
expect stop op1
line1 idle
expect op1 is free
line1 rings
expect ring op1
line1 caller 051234567
op1 declines # somebody is there
expect ring desk1 desk2
line1 gives up
expect stop desk1 desk2
line1 idle
line1 rings
expect ring op1
line1 caller 051234567
after 25 s # the second one: the same call goes on elsewhere without added wait
expect stop op1
expect saved away:op2 away:op1
expect mail to head about Centralino non presidiato dalle 10:00 # the last one has gone
expect ring desk1 desk2
expect op1 is away since 10:00:59 by automatic
expect switchboard is unattended
desk1 answers
expect answer line1
expect connect line1 desk1
expect stop desk2 elsewhere
line1 answered
line2 rings
expect ring desk2
line2 caller 0512222222
expect record line2 reason=overflow.unattended
line2 gives up
expect stop desk2
line2 idle
op1 dials 21 # it makes a call: somebody is there
expect saved away:op2
expect refuse op1 486
expect op1 is free
expect op2 is away since 10:00:00 by op2 # who pressed the key stays away
op2 dials 11
expect ring op1
expect op2 is away since 10:00:00 by op2
op2 hangs up
expect stop op1
