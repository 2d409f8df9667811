# E3, P6: a return that rings unanswered is a missed call: after two in a row the position is away
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op2 answers
expect answer line1
expect connect line1 op2
expect stop op1 elsewhere
line1 answered
command by op2: to anagrafe residenza because depth blind
expect play line1 connecting
expect hang up op2
expect ring ana1
line1 prompt ends
expect hold line1
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op2 for 25 s showing Ritorno: Anagrafe
line1 prompt ends
expect hold line1
after 25 s # the first missed call
expect stop op2
expect ring op1 for 25 s showing Ritorno: Anagrafe
expect op2 is free
after 12 s
op1 hangs up # its telephone gives up by itself: missed, too
expect line1 shows Ritorno in attesa: Anagrafe (op2)
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line1 rings
expect ring op1 op2
line1 caller 051234567
after 25 s # the second one of both
expect stop op1 op2
expect saved away:op1 away:op2
expect mail to head about Centralino non presidiato dalle 10:01
expect ring desk1 desk2
