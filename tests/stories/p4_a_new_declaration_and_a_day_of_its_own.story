# P4, E12: the office's new declaration holds from the next transfer on; "today only 11-12" lies over it and ends by itself
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
expect ring ana1 for 20 s
expect record declaration=1
line1 prompt ends
expect hold line1
anagrafe declares residenza on ana2 in 10-11 # it cuts nothing that rings
expect nothing
op1 presses *
expect stop ana1
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana2 for 40 s # the old numbers are no more
expect record declaration=105
line1 prompt ends
expect hold line1
op1 presses *
expect stop ana2
expect connect line1 op1
command by op1: to anagrafe aire because topic # the new one names it no more
expect said Anagrafe: per questa necessità non ha indicato numeri. Appuntamento o e-mail?
expect nothing
at 11:05:00
command by op1: to anagrafe residenza because topic
expect said Anagrafe: trasferibile 10:00–11:00, riprende domani alle 10:00. Appuntamento o e-mail?
expect nothing
anagrafe varies today to 11-12
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana2 for 40 s
line1 prompt ends
expect hold line1
op1 presses *
expect stop ana2
expect connect line1 op1
at 12:00:00
command by op1: to anagrafe residenza because topic
expect said Anagrafe: trasferibile 11:00–12:00, riprende domani alle 10:00. Appuntamento o e-mail?
op1 hangs up
expect hang up line1
line1 idle
at 2026-11-26 10:30:00 # the day is over, and so is what was for it alone
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
expect ring ana2 for 40 s
line1 prompt ends
expect hold line1
op1 presses *
expect stop ana2
expect connect line1 op1
at 11:30:00
command by op1: to anagrafe residenza because topic
expect said Anagrafe: trasferibile 10:00–11:00, riprende domani alle 10:00. Appuntamento o e-mail?
op1 hangs up
expect hang up line1
line1 idle
