# P8: one key for "Non presidiato", heard on the phone that dialled it
office example
at 2026-11-25 10:00:00
op1 dials *811
expect accept op1
expect saved unattended
op1 answers
expect play op1 state_unattended_on
op1 prompt ends
expect hang up op1
expect switchboard is unattended
op2 dials *810
expect accept op2
expect saved nothing
op2 answers
expect play op2 state_unattended_off
op2 hangs up
expect switchboard is free
