# E3: whoever goes away while the phone rings is rung no more; the same call goes on elsewhere
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
ask away on by op1 until 10:30:00
expect saved away:op1
expect stop op1
ask away on by op2
expect saved away:op1 away:op2
expect mail to head about Centralino non presidiato dalle 10:00
expect stop op2
expect ring desk1 desk2
expect trail line1 away.op1 away.op2
desk1 answers
expect answer line1
expect connect line1 desk1
expect stop desk2 elsewhere
line1 answered
at 10:30:00                 # back by itself
expect saved away:op2
ask away off by op2
expect saved nothing
