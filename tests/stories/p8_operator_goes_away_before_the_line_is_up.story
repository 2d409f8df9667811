# P8, E5: an operator who hangs up before the line is up does not cut the caller: others ring
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
op1 hangs up
expect ring op2 for 25 s
line1 answered
expect hold line1
after 25 s
expect stop op2
expect ring desk1 desk2
desk2 answers
expect connect line1 desk2
expect stop desk1 elsewhere
expect record way=citizens_desk phone=desk2
desk2 hangs up
expect hang up line1
line1 idle
expect record result=answered
