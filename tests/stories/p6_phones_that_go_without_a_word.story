# P6, B6: phones that go without a word: the operator's while the office rings, the clerk's in the conversation
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
op1 is lost
line1 prompt ends
expect hold line1
ana1 answers
expect connect line1 ana1
ana1 is lost
expect play line1 please_wait
expect ring op1 showing Ritorno: Anagrafe
op1 is unreachable
expect ring op2 showing Ritorno: Anagrafe
line1 prompt ends
expect hold line1
op2 answers
expect connect line1 op2
expect record returned=lost
command by op2: to anagrafe residenza because topic
expect play line1 connecting
expect play op2 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op2 ana1
ana1 is lost
expect connect line1 op2
command by op2: to anagrafe residenza because topic
expect play line1 connecting
expect play op2 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op2 ana1
op2 is lost # the clerk is there
expect connect line1 ana1
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
