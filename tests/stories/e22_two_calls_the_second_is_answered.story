# E22, E6: of two callers the person chooses; the phone stops ringing for the other, who goes on being served
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line2 rings
expect ring desk1 desk2
expect op1 can answer line1 line2
screen of op1: answer line2
expect stop op1
expect ring op1 to pick up
expect trail line1 busy.op1
op1 answers
expect answer line2
expect connect line2 op1
expect stop desk1 desk2 elsewhere
line2 answered
op2 answers
expect answer line1
expect connect line1 op2
line1 answered
line2 hangs up by busy_tone
expect hang up op1
expect hang up line2
line2 idle
screen of op2: hang up
expect hang up op2
expect hang up line1
line1 idle
