# E5, P8: while the caller is held and phones ring it turns out to be a fax: the phones stop, the box hangs up
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
expect ring op2
line1 answered
expect hold line1
line1 calls as a fax by sound after 4020 ms
expect stop op2
expect hang up line1
line1 idle
expect record line1 result=fax evidence=fax phone=
