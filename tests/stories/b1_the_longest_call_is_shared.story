# B1: a call of four hours with a telephone lifted beside the line: the box lets go without a word, the handset keeps the caller
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
after 240 min
expect hang up op1
expect hang up line1
line1 idle
expect record line1 result=answered evidence=limit
