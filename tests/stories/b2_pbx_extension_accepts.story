# B2, P7: behind a PBX the caller is passed on by a flash; only a key of the person there accepts
office pbx
at 2026-11-25 10:00:00
line1 rings
line1 caller 051234567
expect answer line1
expect record way=switchboard reason=line.pbx_transfer
line1 answered
expect play line1 connecting en/connecting
line1 prompt ends
expect flash line1 to switchboard.1
line1 far end dialled
line1 far end ringing
line1 presses 1 # nobody has heard of the call yet: no key accepts it
expect nothing
line1 far end answered
expect play line1 offer_call without en/offer_call
line1 prompt ends
expect listen line1
line1 presses 5
expect nothing
line1 presses 1
expect hang up line1 # the PBX joins the two
expect record result=answered phone=switchboard.1 evidence=
expect trail line1 pbx.greeting pbx.switchboard.1 pbx.ringing pbx.answered answered.switchboard.1
line1 idle
expect line1 is idle
