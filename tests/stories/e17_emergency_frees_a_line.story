# E17, P9, P8: with all lines busy a line is freed for help: calls out, voicemail, who waits, who talks
office example
at 2026-11-25 10:00:00
call log read
op1 is asked to call back 051234567 for message:12
expect told yes
expect ring op1
op1 answers
expect dial out line3 051234567
line3 far end dialled
expect connect line3 op1
line1 rings
expect ring op2
line1 caller 0512222222
op2 answers
expect answer line1
expect connect line1 op2
line1 answered
line2 rings
expect ring desk1 desk2
line2 caller 0513333333
capo1 dials 090112
expect accept capo1
capo1 answers
expect play capo1 please_wait
expect play op1 line_needed
expect hang up line3
line3 idle
expect dial out line3 90112 for help
op1 prompt ends
expect hang up op1
expect record line3 result=not_reached evidence=emergency
expect trail line3 freed.emergency out.freed
line3 far end dialled
expect connect line3 capo1
line3 far end answered
stranger1 dials 90118
expect accept stranger1
stranger1 answers
expect play stranger1 please_wait
expect stop desk1 desk2
expect answer line2
expect hang up line2
expect record line2 result=no_message evidence=emergency
expect trail line2 rang freed.emergency
line2 idle
expect dial out line2 90118 for help
op1 dials 90113
expect accept op1
op1 answers
expect play op1 please_wait
expect play line1 line_needed without en/line_needed
expect hang up op2
expect trail line1 talking freed.emergency
line1 prompt ends
expect hang up line1
line1 idle
expect dial out line1 90113 for help
expect record line1 direction=out
desk2 dials 90112
expect accept desk2
desk2 answers
expect play desk2 please_wait
expect nothing
after 8 s
expect play desk2 no_line use_mobile # three calls for help: none of them is touched
desk2 hangs up
op1 hangs up
expect hang up line1
line1 idle
line2 idle # on hook by itself while it was dialled: the next one
expect dial out line1 90118 for help
