# E4: all absent always ends by itself, after an hour when nobody said when
office example
at 2026-11-25 10:00:00
ask absent on by capo
expect saved absent
at 11:00:00
expect saved nothing
expect ring op1 showing Tutti assenti: finito
expect ring op2 showing Tutti assenti: finito
expect ring desk1 showing Tutti assenti: finito
expect ring desk2 showing Tutti assenti: finito
op1 answers # whoever lifts hears it
expect play op1 state_absent_off
op1 prompt ends
expect hang up op1
after 10 s
expect stop op2 desk1 desk2
ask absent on by capo until 13:30:00
expect saved absent
at 13:30:00 # everybody is at lunch: no sign is needed
expect saved nothing
