# E8, P5: told of it by command, a person may try all the same
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
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic anyway
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
line1 hangs up by busy_tone
expect hang up op1
expect stop ana1
expect hang up line1
line1 idle
expect record result=answered
