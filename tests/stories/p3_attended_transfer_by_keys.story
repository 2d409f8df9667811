# P3, P5: the operator keys the office's code and why; speaks with the clerk first, then hangs up
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
op1 keys ** # nothing of a code that was begun reaches the caller
op1 keys 31
expect nothing
op1 presses #
expect hold line1
expect play op1 digit_3 digit_1 word_topic digit_1 word_depth digit_2 word_other digit_3
op1 presses 9 # means nothing
expect nothing
op1 prompt ends
op1 presses 2
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
expect record unit=anagrafe need=residenza transfer_reason=depth declaration=1
expect line1 shows Squilla: Anagrafe (op1)
line1 prompt ends
expect hold line1
op1 prompt ends
expect play op1 tone/ringback
ana1 answers
expect join op1 ana1
expect line1 shows Operatore e ufficio: Anagrafe (op1)
op1 hangs up
expect connect line1 ana1
expect record phone=op1
expect line1 shows In comunicazione: Anagrafe (op1)
ana1 keys 5*6 # the clerk's keys are for the far end
expect keys line1 5
expect keys line1 *6
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
expect record result=answered unit=anagrafe returned=
expect trail line1 transfer.anagrafe.residenza.depth.keys ring.anagrafe.residenza.1 answered.anagrafe.residenza.1 transferred.anagrafe ended
