# B9, P3, P5: an operator asks for an office by code, speaks with it, and puts the caller through
office offices
at 2026-11-25 10:00:00
sip1 comes over from porto as 051234567
expect ring op1 op2
op1 answers
expect accept sip1
expect stop op2 elsewhere
sip1 answers
expect join sip1 op1
sip1 presses * # the caller's keys are nobody's
sip1 presses *
op1 presses 5 # and no key can be passed on to them
expect nothing
op1 keys **31#
expect hold sip1
expect play op1 digit_3 digit_1 word_topic digit_1
op1 presses 1
expect play sip1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
sip1 prompt ends
expect hold sip1
ana1 answers
expect join op1 ana1
op1 presses #
expect hang up op1
expect join sip1 ana1
ana1 keys ** # E7: the office sends it back
expect hang up ana1
expect play sip1 please_wait
expect ring op1 for 25 s showing Ritorno: Anagrafe
sip1 prompt ends
expect hold sip1
op1 answers
expect join sip1 op1
command by op1: to tributi accertamenti because topic blind # a number outside, over a line of ours
expect play sip1 connecting
expect hang up op1
expect dial line3 to tributi.accertamenti.1 for 40 s
line3 far end answered
expect play line3 offer_call
line3 presses 1
expect connect line3 sip1
sip1 hangs up
expect hang up line3
expect record line=porto result=answered evidence=signalled unit=tributi
line3 idle
