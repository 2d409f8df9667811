# E10, P3: the operator asks an office while the head is there: both wait with music; back, three talk again
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
op1 keys ***
expect ring capo1
expect whisper op1 tone_ok
capo1 answers
expect bring in line1 capo1
op1 keys **31#
expect hold line1
expect play op1 digit_3 digit_1
expect play capo1 hold_music
capo1 prompt ends
expect play capo1 hold_music
op1 presses * # back to the caller: three talk again
expect connect line1 op1
expect bring in line1 capo1
capo1 prompt ends # what was cut short
expect nothing
op1 keys **31#
expect hold line1
expect play op1 digit_3 digit_1
expect play capo1 hold_music
op1 hangs up # nobody is left but the head: caller and head go on
expect connect line1 capo1
capo1 keys **31#
expect hold line1
expect play capo1 digit_3 digit_1
capo1 presses 1
expect play line1 connecting en/connecting
expect play capo1 tone/ringback
expect ring ana1
line1 hangs up by busy_tone
expect hang up capo1
expect stop ana1
expect hang up line1
line1 idle
