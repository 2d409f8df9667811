# E10: one key brings the head into the conversation; caller and operator talk on meanwhile
office head
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
op1 keys **
expect nothing
op1 presses * # the third star: the head's phones ring, the operator hears a short sign
expect ring capo1 op2 showing Chiede aiuto Operatore 1: 051234567
expect whisper op1 tone_ok
expect line1 has squilla il telefono del responsabile (capo1, op2)
capo1 answers
expect stop op2 elsewhere
expect bring in line1 capo1
expect line1 has con il responsabile (capo1)
capo1 presses 5 # of three only the operator's keys are heeded
expect nothing
op1 keys *** # the head is there already
expect whisper op1 state_refused
after 5 min
capo1 hangs up # the two go on
expect nothing
expect line1 has nobody else
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered phone=op1 evidence=operator
expect trail line1 talking head.ring.capo1,op2 head.answered.capo1 head.refused.there head.left.capo1 operator_left ended
