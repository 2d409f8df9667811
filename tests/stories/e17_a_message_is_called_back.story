# E17, E16, P9: the position's phone rings, then the box dials; a citizen who rings back finds the case
office example
at 2026-11-25 10:00:00
op9 is asked to call back 051234567 for message:12
expect told no
op1 is asked to call back 051234567 for message:12
expect told no # the call log is not read yet
call log read
op1 is asked to call back 892424 for message:12
expect told no # one ring from a dear number must not make the office call it
op1 is asked to call back 051234567 for message:12
expect told yes
expect ring op1 showing Richiamata: 051234567
op1 is asked to call back 051234567 for message:12
expect told no # it rings already
op2 is asked to call back 051234567 for message:12
expect told no # E16: two people cannot call back the same message at once
op1 answers
expect dial out line3 051234567
line3 far end dialled
expect connect line3 op1
line3 far end sit
line3 far end ringing # an absurd order of sounds
after 30 s
expect hang up op1
expect hang up line3
line3 idle
expect record line3 result=not_reached case=message:12
line1 rings
expect ring op1 op2
line1 caller 051234567
expect record line1 case=message:12
line1 gives up
expect stop op1 op2
op1 is asked to call back 051234567 for message:12
expect told yes
expect ring op1
op1 declines
expect record result=not_reached reason=out.hung_up
line1 lost
line2 lost
line3 lost
op1 is asked to call back 051234567 for message:12
expect told no
