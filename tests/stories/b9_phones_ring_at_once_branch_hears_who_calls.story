# B9, E5: phones here ring at the first ring; a branch is asked only once it is known who calls
office branches
at 2026-11-25 10:00:00
line1 rings
expect ring op1 # nobody waits for a number here
op1 declines
expect nothing # a branch would not learn it later
line1 rings
expect nothing # nor is op1 rung once more
line1 caller 0511111111
expect ring sede1 for 20 s
expect record line1 way=branch caller=0511111111
sede1 answers
expect answer line1
expect connect line1 sede1
line1 answered
line1 hangs up by busy_tone
expect hang up sede1
expect hang up line1
line1 idle
expect trail line1 rang ring.op1 declined.op1 caller.shown ring.sede1
