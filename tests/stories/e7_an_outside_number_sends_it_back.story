# E7: an office that is reached over a second line sends the call back by the same two stars
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
command by op1: to tributi accertamenti because topic blind
expect play line1 connecting
expect hang up op1
expect dial line3 to tributi.accertamenti.1 for 40 s
line1 prompt ends
expect hold line1
line3 far end answered
expect play line3 offer_call
line3 presses 1
expect join lines line1 line3
line1 presses * # the caller's keys send nothing back
line1 presses *
line3 presses 5 # the caller hears it as it is
line3 presses *
expect nothing
after 5 s # a star alone, and another one much later
line3 presses *
expect nothing
after 1 s
line3 presses *
expect hang up line3
expect play line1 please_wait
expect ring op1 showing Ritorno: Tributi
expect record returned=sent_back
line3 idle
op1 answers
expect connect line1 op1
command by op1: to tributi accertamenti because topic # and while the operator is with them
expect play line1 connecting
expect play op1 tone/ringback
expect dial line3 to tributi.accertamenti.1 for 40 s
line3 far end answered
expect play line3 offer_call
line3 presses 1
expect hold line1
expect connect line3 op1
line3 presses *
line3 presses *
expect hang up line3
expect connect line1 op1
expect record returned=sent_back
line3 idle
op1 hangs up
expect hang up line1
line1 idle
expect trail line1 returned.tributi.sent_back returned.tributi.sent_back ended
