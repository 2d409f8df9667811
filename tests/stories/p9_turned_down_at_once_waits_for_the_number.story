# P9, E15: both groups turn a call down within a second: voicemail answers once the number is known
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
op1 declines
op2 declines
expect ring desk1 desk2 # at once: people need no number
desk1 declines
desk2 declines
expect nothing # off hook the line would bring none any more, and the message would be nobody's
line1 caller 0511111111
expect answer line1
expect record line1 way=voicemail caller=0511111111
line1 answered
expect play line1 greeting_no_answer
line1 gives up
expect hang up line1
