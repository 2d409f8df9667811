# P6, E6: a return is answered at the screen before a new call; who answers another call lets it ring on elsewhere
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting en/connecting
expect hang up op1
expect ring ana1
ana1 is busy
expect ring ana2
ana2 is busy
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
line1 prompt ends
expect hold line1
line2 rings
expect ring op2
expect op1 can answer line1 line2
screen of op1: answer
expect pick up op1
screen of op1: answer line2 # the other one after all
expect stop op1
expect ring op1 to pick up
op1 answers
expect answer line2
expect connect line2 op1
expect stop op2 elsewhere
expect ring op2 showing Ritorno: Anagrafe
line2 answered
screen of op2: answer
expect pick up op2
op2 answers
expect connect line1 op2
expect trail line1 return.ring.op1 pick_up.op1 return.busy.op1 return.ring.op2 pick_up.op2 return.answered.op2
screen of op2: answer line1
expect said Questa chiamata è già su questo telefono.
line1 hangs up by busy_tone
expect hang up op2
expect hang up line1
line1 idle
line2 hangs up by busy_tone
expect hang up op1
expect hang up line2
line2 idle
