# P5, E23: after a consultation too the register decides; refused, both calls of the operator go on
office offices
at 2026-11-25 12:20:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 holds
op1 dials 32 # an extension of the PBX cannot be consulted: ** and the code lead there
expect refuse op1 480
op1 dials 12 # a colleague is no office
expect ring op2 showing Operatore 1
op2 answers
expect accept op1
op1 answers
expect join op1 op2
op1 joins its two calls
expect op1 has not joined them 603
op2 hangs up
expect hang up op1
op1 joins its two calls # with whom?
expect op1 has not joined them 481
op1 dials 33
expect ring ana2 showing Operatore 1
ana2 answers
expect accept op1
op1 answers
expect join op1 ana2
at 12:31:00
op1 joins its two calls
expect op1 has not joined them 603
expect line1 says Anagrafe: trasferibile 9:00–12:30, riprende oggi alle 15:00. Appuntamento o e-mail?
at 15:01:00
op1 joins its two calls from the other one # asked in the call with the clerk
expect op1 has joined them
expect connect line1 ana2
expect record unit=anagrafe need=residenza transfer_reason=other target=anagrafe.residenza.2
line1 hangs up by busy_tone
expect hang up ana2
expect hang up line1
line1 idle
expect trail line1 transfer_refused.attended transfer_refused.anagrafe.residenza.outside_band transfer.anagrafe.residenza.other.refer transfer.attended transferred.anagrafe ended
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
at 17:01:00
op1 dials 31 # closed for today: the phone hears when it opens again
expect accept op1
op1 answers
expect play op1 digit_3 digit_1 bands_from resumes_tomorrow hour_9 without state_refused
op1 prompt ends
expect hang up op1
at 17:02:00
op1 dials 71 # ran out, and not renewed
expect accept op1
op1 answers
expect play op1 state_refused
op1 hangs up
