# B9: the only phone here turns the call down, and the caller gives up before anybody knows who it is
office branches
at 2026-11-25 10:00:00
line1 rings
expect ring op1
op1 is busy
expect nothing
line1 gives up
expect record line1 result=gave_up
