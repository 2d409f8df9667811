# P9, E4: keys for "Chiuso" and for all absent, thirty minutes; an unknown one is refused
office example
at 2026-11-25 10:00:00
desk1 dials *821
expect accept desk1
expect saved closed
desk1 answers
expect play desk1 state_closed_on
after 30 s
expect hang up desk1
op1 dials *820
expect accept op1
expect saved nothing
op1 is unreachable
op1 dials *831
expect accept op1
expect saved absent
op1 answers
expect play op1 state_absent_on
op1 prompt ends
expect hang up op1
op1 dials *99
expect refuse op1 404
other1 dials *810
expect refuse other1 403
at 10:30:29
expect nothing
at 10:30:30
expect saved nothing
expect ring op1 showing Tutti assenti: finito
expect ring op2 showing Tutti assenti: finito
expect ring desk1 showing Tutti assenti: finito
expect ring desk2 showing Tutti assenti: finito
