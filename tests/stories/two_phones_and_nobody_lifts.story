# E19: a call between phones ends by itself, whoever goes first, and says why
office example
at 2026-11-25 10:00:00
capo1 registers
capo1 dials 11
expect ring op1 showing Responsabile
after 30 s
expect stop op1
expect refuse capo1 480
capo1 dials 11
expect ring op1
capo1 hangs up
expect stop op1
capo1 dials 11
expect ring op1
op1 is busy
expect refuse capo1 486
capo1 dials 11
expect ring op1
op1 declines
expect refuse capo1 603
capo1 dials 11
expect ring op1
op1 answers
expect accept capo1
op1 hangs up
expect hang up capo1
capo1 dials 11
expect ring op1
op1 answers
expect accept capo1
after 10 s
expect hang up capo1
expect hang up op1
capo1 dials 11
expect ring op1
carrier lost
expect stop op1
expect refuse capo1 503
