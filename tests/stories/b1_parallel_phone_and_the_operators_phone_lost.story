# B1, B6: an operator's phone dies with a handset lifted beside the line: no music into their talk, the handset keeps the caller
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
line1 taken
op1 is lost
expect hang up line1
line1 idle
expect record result=answered phone=op1
