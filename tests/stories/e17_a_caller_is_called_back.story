# E17, P7: who has called is called back from a position, nobody else is; the line comes back by itself
office example
at 2026-11-25 10:00:00
op1 dials 0051234567
expect accept op1
op1 answers
expect play op1 cannot_dial try_later # the call log is not read yet: nobody knows who has called
op1 prompt ends
expect hang up op1
call log read
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
op1 dials 0051234567
expect accept op1
op1 answers
expect dial out line3 051234567 # line2 and line1 stay free for callers
expect line3 is in_use
line3 far end dialled
expect connect line3 op1
line3 far end ringing
line3 far end answered
op1 presses 5
expect keys line3 5
line3 presses 7
expect nothing
line3 hangs up by silence # E5: who listens is silent
expect nothing
line3 hangs up by busy_tone
expect hang up op1
expect hang up line3
expect line3 is clearing
line3 idle
expect line3 is idle
expect record line3 direction=out result=answered number_class=local caller=051234567 phone=op1 evidence=busy_tone
expect trail line3 dials line.line3 dialled far.ringing far.answered out.busy_tone ended
op1 dials 00541704111
expect accept op1
op1 answers
expect play op1 dial_not_known without cannot_dial off_hours # has never called
op1 hangs up
expect record result=refused reason=dial.not_known
op1 dials 0892424
expect accept op1
op1 answers
expect play op1 cannot_dial without try_later
op1 prompt ends
expect hang up op1
expect record result=refused reason=dial.class
op1 dials *99
expect refuse op1 404
