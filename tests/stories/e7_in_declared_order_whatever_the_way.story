# E7, P3: a phone, then an extension of the PBX, then a phone again: in declared order
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to edilizia pratiche because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring edi1 for 13333 ms
line1 prompt ends
expect hold line1
edi1 is unreachable
expect hang up op1
expect play line1 please_wait
line1 prompt ends
expect listen line1 # the caller may have gone while on hold
after 2 s
expect flash line1 to edilizia.pratiche.2 for 20 s
line1 far end ringing
after 5 s
line1 far end no_answer
expect flash back line1
line1 flashed
expect hold line1
expect ring edi2 for 33 s
edi2 answers
expect connect line1 edi2
line1 hangs up by busy_tone
expect hang up edi2
expect hang up line1
line1 idle
expect record target=edilizia.pratiche.3 result=answered
