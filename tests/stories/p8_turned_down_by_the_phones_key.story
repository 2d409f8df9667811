# P8: a call turned down by the key of the telephone goes to whoever is left, at once
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 for 25 s showing Centralino
line1 caller 051234567
expect ring op1 op2 showing Centralino 051234567
op1 is busy                 # many telephones say "busy" when their key turns a call down
expect nothing
op2 is busy
expect ring desk1 desk2
expect record way=citizens_desk reason=overflow.busy
desk2 is busy
expect nothing
desk1 answers
expect answer line1
expect connect line1 desk1
line1 answered
desk1 hangs up
expect hang up line1
line1 idle
expect record way=citizens_desk result=answered phone=desk1
expect trail line1 busy.op1 busy.op2 route.overflow.busy busy.desk2 answered.desk1
