# P3, P6: operator and clerk may talk for ten minutes; then the caller, who is held, comes back to the operator
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
op1 keys **
op1 keys 31
op1 presses #
expect hold line1
expect play op1 digit_3 digit_1 word_topic digit_1 word_depth digit_2 word_other digit_3
op1 presses 2
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
expect record unit=anagrafe need=residenza
line1 prompt ends
expect hold line1
ana1 answers
expect join op1 ana1
after 599 s
expect nothing
after 1 s
expect hang up ana1
expect connect line1 op1
