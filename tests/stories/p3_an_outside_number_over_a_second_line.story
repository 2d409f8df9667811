# P3, P7: an outside number over a second line; a key accepts, and the caller never learns the number
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
command by op1: to tributi accertamenti because topic
expect play line1 connecting
expect play op1 tone/ringback
expect dial line3 to tributi.accertamenti.1 for 40 s
line1 prompt ends
expect hold line1
line3 far end ringing
line3 far end answered
expect play line3 offer_call
line3 prompt ends
expect listen line3
line3 presses 1
expect connect line3 op1 # first the operator
screen of op1: alternate # who was called hears music on that line
expect play line3 hold_music
expect connect line1 op1
screen of op1: alternate
expect hold line1
expect connect line3 op1
op1 hangs up
expect join lines line1 line3
expect record target=tributi.accertamenti.1
line3 hangs up by busy_tone
expect hang up line3
expect hang up line1
line1 idle
line3 idle
expect record result=answered phone=op1 unit=tributi
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
line3 far end busy
expect hang up line3
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Tributi
op1 answers
expect connect line1 op1
expect record returned=busy
op1 hangs up
expect hang up line1
line1 idle
line3 idle
