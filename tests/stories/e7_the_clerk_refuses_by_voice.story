# E7: the clerk refuses by voice, the operator's star takes the caller back: a return; then another office
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
op1 keys **31#
expect hold line1
expect play op1 word_topic
op1 presses 3
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op1 ana1
line1 prompt ends cut
expect nothing
op1 presses 7
expect nothing
op1 presses *
expect hang up ana1
expect connect line1 op1
expect record returned=refused
op1 keys **51#
expect hold line1
expect play op1 digit_5 digit_1 word_topic
op1 presses 2
expect play line1 connecting
expect play op1 tone/ringback
expect ring edi1 for 13333 ms
edi1 answers
expect hold line1
expect join op1 edi1
edi1 hangs up # the clerk refuses by hanging up
expect connect line1 op1
expect record unit=edilizia returned=refused
op1 keys **51#
expect hold line1
expect play op1 word_topic
op1 presses 2
expect play line1 connecting
expect play op1 tone/ringback
expect ring edi1
op1 presses * # the operator does not wait
expect stop edi1
expect connect line1 op1
expect record returned=taken_back
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered
expect trail line1 returned.anagrafe.refused returned.edilizia.refused returned.edilizia.taken_back
