# P8: an engaged telephone is never rung; who becomes free is not rung either, but may take the call
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
expect ring op2             # op1 talks: no second call, no beep in its ear
line2 caller 0512222222
after 5 s
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle                  # op1 is free again and is not rung: the call keeps whom it rings
op1 dials *85               # but takes it by the code
expect accept op1
op1 answers
expect answer line2
expect connect line2 op1
expect stop op2 elsewhere
line2 answered
line3 rings
expect ring op2
line3 caller 0513333333
op2 declines                # declined and engaged: the counter, never the engaged one
expect ring desk1 desk2
desk1 answers
expect answer line3
expect connect line3 desk1
expect stop desk2 elsewhere
line3 answered
expect record line2 way=switchboard phone=op1
expect record line3 way=citizens_desk
