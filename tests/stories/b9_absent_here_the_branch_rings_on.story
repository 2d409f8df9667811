# B9, E4: who is absent here does not stop another branch; a caller who gives up stops it
office branches
at 2026-11-25 10:00:00
op1 gone
line1 rings
line1 caller 0511111111
expect ring sede1
op1 dials *831
expect accept op1
expect saved absent
line1 gives up
expect stop sede1
