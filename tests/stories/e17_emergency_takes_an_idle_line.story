# E17, P8: whoever asks for help gets a line at once, from any phone, at any hour, with the number shown
office withheld
at 2026-11-29 03:00:00
stranger1 dials 90112
expect accept stranger1
stranger1 answers
expect dial out line1 90112 for help # no line is kept free from it, no number is hidden
line1 far end no_dial_tone
expect hang up line1
expect dial out line2 90112 for help
line2 idle # on hook by itself
expect dial out line3 90112 for help
line3 far end refused
expect hang up line3
expect play stranger1 please_wait
line1 idle # it was of no use before
after 8 s
expect dial out line1 90112 for help # once more: a line may only have been released late
line1 far end dialled
expect connect line1 stranger1
line1 far end answered
stranger1 hangs up
expect hang up line1
line1 idle
expect record line1 direction=out result=answered number_class=emergency caller=90112
expect trail line1 line.useless.line1 line.line2 line.line3 line.useless.line3 line.line1
line3 idle
line1 lost
line2 lost
line3 restored half-duplex
op1 dials 90112
expect accept op1
op1 answers
expect play op1 no_line use_mobile without try_later # no line can carry it: the phone itself says so
op1 prompt ends
expect hang up op1
expect record result=not_reached reason=out.half_duplex
op1 dials 112
expect refuse op1 404 # in a rehearsal a real emergency number is no number at all
op1 dials 0112
expect accept op1
op1 answers
expect play op1 cannot_dial
op1 prompt ends
expect hang up op1
expect record result=refused reason=dial.no_number
