# E17: outside the civil band only what is urgent is called back, and the record says so
office example
at 2026-11-25 19:30:00
call log read
ask opened on by capo1 until 22:00:00
expect saved opened
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
op1 dials 0051234567
expect accept op1
op1 answers
expect play op1 off_hours dial_urgent
op1 presses 3
expect nothing
op1 prompt ends
op1 presses 1
expect dial out line3 051234567
line3 far end dialled
expect connect line3 op1
line3 far end busy
expect hang up op1
expect hang up line3
line3 idle
expect record line3 result=not_reached reason=out.busy_tone
expect trail line3 urgent dialled
op1 dials 0051234567
expect accept op1
op1 answers
expect play op1 dial_urgent
op1 prompt ends
after 10 s
expect hang up op1
expect record result=not_reached reason=out.no_reason
op1 dials 0051234567
expect accept op1
op1 answers
expect play op1 dial_urgent
after 30 s # the announcement never ends
expect hang up op1
op1 is asked to call back 051234567 for call:7
expect told no
op1 is asked to call back 051234567 for call:7 urgently
expect told yes
expect ring op1 showing Richiamata: 051234567
after 25 s
expect stop op1
expect record result=not_reached reason=out.position
