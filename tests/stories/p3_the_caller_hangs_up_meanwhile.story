# P6, P3: the caller hangs up while the office answers; the line goes while they are held
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
line1 hangs up by busy_tone
expect hang up op1
expect stop ana1
expect hang up line1
ana1 answers # it crossed the order to stop
expect hang up ana1
line1 idle
expect record result=answered
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
ana1 answers
expect hold line1
expect join op1 ana1
after 10 min # nobody keeps a caller on hold for ever
expect hang up ana1
expect connect line1 op1
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
line1 taken # somebody lifts a telephone beside the line
expect stop ana1
expect hang up line1
line1 idle
expect record result=taken
