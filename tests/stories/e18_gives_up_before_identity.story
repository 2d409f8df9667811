# E18: the record is written at the ring, before anything else is known
office example
at 2026-11-25 10:00:00
line1 rings
expect record result=open way=none
line1 gives up
expect record result=gave_up way=none
expect line1 is idle
