# E10: the head declines, does not answer or is called off: the conversation is untouched
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
op1 keys *** # nobody sits there
expect whisper op1 nobody_there
command by op1: bring the head in
expect said Il telefono del responsabile non è raggiungibile.
expect nothing
capo1 registers
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
capo1 declines
expect whisper op1 nobody_there
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
op1 keys *** # pressed once more: it rings no longer
expect stop capo1
expect whisper op1 tone_record
command by op1: call the head off
expect said Il telefono del responsabile non sta squillando.
expect nothing
command by op1: bring the head in
expect ring capo1
expect whisper op1 tone_ok
command by op1: bring the head in
expect said Il responsabile è già in conversazione.
expect nothing
command by op1: call the head off
expect said nothing
expect stop capo1
expect whisper op1 tone_record
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
after 30 s
expect stop capo1
expect whisper op1 nobody_there
capo1 dials *841
expect accept capo1
expect saved away:capo1
capo1 hangs up
command by op1: bring the head in
expect said Il responsabile è assente.
expect nothing
op1 hangs up
expect hang up line1
line1 idle
expect trail line1 head.refused.unreachable head.ring.capo1 head.declined.capo1 head.called_off head.called_off head.no_answer operator_left ended
