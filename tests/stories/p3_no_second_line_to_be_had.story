# P3, P8: no second line to be had: the call comes back as busy, no line that must stay free is taken
office offices
at 2026-11-25 10:00:00
line3 lost # line2 stays free to answer
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to tributi accertamenti because topic
expect play line1 connecting
expect play op1 tone/ringback
expect hold line1
expect play op1 nobody_there word_email digit_2
expect trail line1 transfer.no_line returned.tributi.busy
op1 hangs up
expect hold line1
expect ring op2
line1 hangs up by busy_tone
expect stop op2
expect hang up line1
line1 idle
expect record result=answered
