# P8, E3: a position that goes away rings no more for the waiting caller, who waits on for the others
office waiting_first
at 2026-11-25 16:30:00
op1 dials 12
expect ring op2
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy
op1 hangs up
expect stop op2
expect ring op1 op2 showing Centralino 0511111111
after 12 s
ask away on by op2
expect saved away:op2
expect stop op2
expect trail line1 ring.op1,op2 away.op2
op1 hangs up # its own time limit: nobody lifted, the first missed call
after 14 s
expect nothing
after 1 s
expect ring op1
after 12 s
expect play line1 hold
op1 hangs up # the second one: nobody is left to wait for, the counter is
expect saved away:op1 away:op2
expect mail to head about Centralino non presidiato dalle 16:30
after 1 ms
expect hold line1
expect ring desk1 desk2
expect record way=citizens_desk reason=overflow.unattended
