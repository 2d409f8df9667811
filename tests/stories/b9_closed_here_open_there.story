# B9: after hours the caller goes to the branch that has declared that it is open, and to no other
office branches
at 2026-11-25 21:00:00
line1 rings
line1 caller 0511111111
expect ring sede2 for 20 s
expect record line1 way=branch reason=closed.hours
sede2 answers
expect answer line1
expect connect line1 sede2
line1 answered
sede2 is lost # the cable between the branches is cut: the caller is not left in silence
expect hold line1
expect play line1 greeting_closed
