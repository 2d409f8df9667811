# B4, P8: of two lines the last one is not dialled on for a caller whom the counter can serve
office outside_two_counter
at 2026-11-25 10:00:00
op1 gone
op2 gone
line1 rings
expect ring desk1 desk2 # their phones are free: line2 stays free for the next caller
line1 caller 051234567
expect record way=citizens_desk reason=overflow.unreachable
line1 gives up
expect stop desk1 desk2
line1 idle
desk1 gone
desk2 gone
line1 rings
expect dial line2 to switchboard # now nobody else can serve: it may have the last one
line1 caller 051234567
line1 gives up
expect hang up line2
line2 idle
line1 idle
at 13:30:00
desk1 registers
desk2 registers
at 2026-11-27 12:30:00 # Friday: the counter is closed, the switchboard is not
line1 rings
expect dial line2 to switchboard
line1 caller 051234567
