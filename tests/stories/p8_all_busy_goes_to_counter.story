# P8: with all operators talking the next call goes to the counter without ringing them
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line2 rings
expect ring op2
line2 caller 0512222222
op2 answers
expect answer line2
expect connect line2 op2
line2 answered
expect switchboard is busy
line3 rings
expect ring desk1 desk2 for 20 s showing line3
line3 caller unknown
expect record line3 way=citizens_desk reason=overflow.busy
line3 gives up
expect stop desk1 desk2
expect record line3 result=gave_up way=citizens_desk
