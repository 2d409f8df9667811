# E3: a position that has been away for an hour is reminded of it by two rings; lifting brings it back
office example
at 2026-11-25 10:00:00
op1 dials *841
expect accept op1
expect saved away:op1
op1 answers
expect play op1 state_away_on
op1 prompt ends
expect hang up op1
at 10:59:59
expect nothing
at 11:00:00
expect ring op1 showing Assente da 60 min, *840 per rientrare
line1 rings
expect ring op2 # it is away all the same
line1 caller 051234567
line1 gives up
expect stop op2
line1 idle
at 11:00:10
expect stop op1
at 12:30:00 # once is enough
expect nothing
ask away off by op1
expect saved nothing
ask away on by op1
expect saved away:op1
at 13:30:00 # nobody is expected at lunch
expect nothing
at 14:00:00 # but then
expect ring op1 showing Assente da 90 min, *840 per rientrare
op1 answers
expect saved nothing
expect play op1 state_away_off
op1 prompt ends
expect hang up op1
expect op1 is free
ask away on by op1
expect saved away:op1
op1 gone
at 15:35:00 # nothing to ring
expect nothing
op1 registers
at 15:40:00
expect ring op1 showing Assente da 100 min, *840 per rientrare
carrier lost
expect stop op1
