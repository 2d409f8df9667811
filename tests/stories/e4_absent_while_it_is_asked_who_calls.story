# B9, E4: nobody here took the call; while it is asked who calls, all go away: the caller hears why
office branches
at 2026-11-25 10:00:00
line1 rings
expect ring op1
op1 declines
ask absent on by capo
expect saved absent
line1 caller 0511111111
expect ring sede1 for 20 s # a branch that may be asked in absence, too, is not absent
sede1 is busy
expect ring sede2
sede2 declines
expect answer line1
line1 answered
expect play line1 greeting_absent
