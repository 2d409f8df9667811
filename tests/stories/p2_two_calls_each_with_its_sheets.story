# P2: two operators answer two callers; each call keeps the sheets of its own operator
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 for 25 s
line1 caller 3331234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line2 rings
expect ring op2 for 25 s
line2 caller 3337654321
op2 answers
expect answer line2
expect connect line2 op2
line2 answered
op2 uses sheet mensa-scolastica
op1 uses sheet imu
expect record line1 sheets=imu
expect record line2 sheets=mensa-scolastica
op1 hangs up
expect hang up line1
line1 idle
op1 uses sheet carta-identita # the desk has no such call any more: the records keep it
expect record line1 result=answered sheets=imu
op2 hangs up
expect hang up line2
line2 idle
expect record line2 result=answered sheets=mensa-scolastica
