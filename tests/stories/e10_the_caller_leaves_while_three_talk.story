# E10, B1: the caller hangs up while three talk: all of it ends, with the evidence; and a phone that is lost touches nobody else
office offices
at 2026-11-25 10:00:00
capo1 registers
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
capo1 answers
expect bring in line1 capo1
capo1 is lost # the two go on
expect nothing
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
capo1 answers
expect bring in line1 capo1
op1 is lost # the caller is not held: the head is there
expect connect line1 capo1
line1 hangs up by busy_tone after 1500 ms
expect hang up capo1
expect hang up line1
line1 idle
expect record result=answered evidence=busy_tone
line2 rings
expect ring op1 op2
line2 caller 051234568
op1 answers
expect answer line2
expect connect line2 op1
expect stop op2 elsewhere
line2 answered
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
line2 hangs up by busy_tone
expect hang up op1
expect hang up line2
expect stop capo1
line2 idle
expect record line2 result=answered evidence=busy_tone
