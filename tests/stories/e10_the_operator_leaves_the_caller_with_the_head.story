# E10: the operator hangs up, caller and head go on; the head then does what an operator does
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
command by op1: bring the head in
expect said nothing
expect ring capo1 showing Chiede aiuto Operatore 1: 051234567
expect whisper op1 tone_ok
capo1 answers
expect bring in line1 capo1
op1 hangs up
expect connect line1 capo1
expect line1 has nobody else
expect op1 is free
capo1 keys 1**31#
expect keys line1 1
expect hold line1
expect play capo1 digit_3 digit_1 word_topic
capo1 presses 1
expect play line1 connecting en/connecting
expect play capo1 tone/ringback
expect ring ana1
ana1 answers
expect join capo1 ana1
expect hold line1
capo1 hangs up
expect connect line1 ana1
ana1 hangs up
expect hang up line1
line1 idle
expect record result=answered unit=anagrafe
expect trail line1 head.ring.capo1 head.answered.capo1 operator_left head.takes_over.capo1 transferred.anagrafe ended
