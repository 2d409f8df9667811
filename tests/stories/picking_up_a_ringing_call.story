# P8: any phone of the office takes the call that has been ringing longest
office example
at 2026-11-25 10:00:00
desk1 dials *85
expect accept desk1
desk1 answers
expect play desk1 pickup_nothing
desk1 prompt ends
expect hang up desk1
line1 rings
expect ring op1 op2
line1 caller 051234567
line2 rings
expect ring desk1 desk2     # both operators ring already
line2 caller withheld
capo1 registers
capo1 dials *85
expect accept capo1
capo1 answers
expect answer line1
expect connect line1 capo1
expect stop op1 op2 elsewhere
expect trail line1 picked_up.capo1 answered.capo1
expect record line1 phone=capo1
line1 answered
line1 hangs up by busy_tone after 2000 ms
expect hang up capo1
expect hang up line1
line1 idle
expect record line1 result=answered
