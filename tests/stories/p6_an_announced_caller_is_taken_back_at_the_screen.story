# P6, E7: back with the caller, the office that cannot take the call is let go; ten minutes in all
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
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
ana1 answers
expect hold line1
expect join op1 ana1
screen of op1: alternate
expect play ana1 hold_music
expect connect line1 op1
screen of op1: resume
expect said Di nuovo in linea con l'utente.
expect hang up ana1
expect connect line1 op1
expect record returned=refused
command by op1: to anagrafe residenza because topic
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
ana1 answers
expect hold line1
expect join op1 ana1
after 360 s
screen of op1: alternate
expect play ana1 hold_music
expect connect line1 op1
after 240 s # the limit is the announcement's, not of each half
expect hang up ana1
expect connect line1 op1
expect record returned=taken_back
op1 hangs up
expect hang up line1
line1 idle
