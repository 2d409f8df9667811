# P4, P5: an office whose declaration ran out cannot be transferred to, by any way; the rule it gave opens
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
command by op1: to cultura prestito because depth
expect said Biblioteca: la comunicazione è scaduta. Appuntamento?
expect nothing
op1 asks for blind transfer to 71
expect no transfer for op1
op1 keys **71#
expect hold line1
expect play op1 word_appointment digit_1 without word_email
op1 presses *
expect connect line1 op1
after 3 s
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered unit= need=
expect trail line1 transfer_refused.cultura.prestito.expired
