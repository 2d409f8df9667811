# B1, E5: a handset beside its cradle and a caller that went in silence: after four hours the line is free again, and it was said
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line1 hangs up by silence after 60 s
expect nothing
after 239 min
expect nothing
after 1 min
expect hang up op1
expect play line1 call_limit en/call_limit
expect record line1 result=answered evidence=limit release_ms=14400000
line1 prompt ends
expect hang up line1
line1 idle
expect line1 is idle
expect record line1 result=answered evidence=limit phone=op1
expect trail line1 talking silence.ignored ended
