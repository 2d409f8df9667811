# E5: silence never ends a call while a person is connected
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op2 answers
expect answer line1
expect connect line1 op2
expect stop op1 elsewhere
line1 answered
after 2 min
line1 hangs up by silence after 60000 ms
expect nothing
expect line1 is in_use
line1 hangs up by congestion_tone after 2100 ms
expect hang up op2
expect hang up line1
line1 idle
expect record result=answered evidence=congestion_tone
expect trail line1 silence.ignored released.congestion_tone
