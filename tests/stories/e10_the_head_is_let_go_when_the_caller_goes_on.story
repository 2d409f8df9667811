# E10, P3: the call goes on to an office: the head's part is done; when an emergency needs the line, or the box is stopped, too
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
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting en/connecting
expect hang up op1
expect ring ana1
expect hang up capo1
ana1 answers
expect connect line1 ana1
ana1 hangs up
expect hang up line1
line1 idle
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
op1 asks for blind transfer to 31 # while the head rings
expect ring ana1
expect play line1 connecting en/connecting
expect tell op1 180
expect stop capo1
ana1 declines
expect ring ana2
ana2 declines
expect tell op1 480
expect connect line1 op1
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
capo1 answers
expect bring in line1 capo1
box stopped
expect hang up op1
expect hang up capo1
expect record result=stopped
