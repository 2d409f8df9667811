# E5: an operator talks on the line: a fax tone that the modem hears ends nothing, they hear it themselves
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
line1 calls as a fax by chip after 3500 ms
expect nothing
expect line1 is in_use
op1 hangs up
expect hang up line1
line1 idle
expect record line1 result=answered
expect trail line1 fax_heard.chip operator_left ended
