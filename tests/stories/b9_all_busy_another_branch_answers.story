# B9: the only operator talks: the next caller goes to another branch, and two may talk there at once
office branches
at 2026-11-25 10:00:00
line1 rings
expect ring op1 # at the first ring, whoever it is
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
line2 caller 0512222222
expect ring sede1 for 20 s
expect record line2 way=branch reason=desk.none
sede1 answers
expect answer line2
expect connect line2 sede1
line2 answered
line3 rings
line3 caller withheld
expect ring sede1 for 20 s
sede1 answers
expect answer line3
expect connect line3 sede1
line3 answered
line2 hangs up by busy_tone
expect hang up sede1
expect hang up line2
line2 idle
expect record line2 result=answered phone=sede1
