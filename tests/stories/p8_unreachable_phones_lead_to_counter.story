# P8, B4: with the switchboard's phones gone from the network the counter rings
office example
at 2026-11-25 10:00:00
op1 gone
op2 gone
expect switchboard is unreachable
line1 rings
expect ring desk1 desk2
line1 caller 051234567
expect record reason=overflow.unreachable
line1 gives up
expect stop desk1 desk2
op1 registers
expect switchboard is free
