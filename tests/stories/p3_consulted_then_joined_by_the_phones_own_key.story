# P3, P5, E12: the operator dials the office's code, speaks with the clerk, and joins the two by the phone's own key
office offices
at 2026-11-25 12:29:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 holds
op1 dials 31*1
expect ring ana1 showing Operatore 1
op1 joins its two calls # nobody has answered yet
expect op1 has not joined them 481
ana1 answers
expect accept op1
op1 answers
expect join op1 ana1
at 12:31:00 # the band has ended meanwhile; what was begun within it is not cut
op1 joins its two calls
expect op1 has joined them
expect connect line1 ana1
expect record phone=op1 unit=anagrafe need=residenza transfer_reason=topic declaration=1
expect line1 shows In comunicazione: Anagrafe (op1)
expect switchboard is free
ana1 keys ** # E7: not competent
expect hang up ana1
expect play line1 please_wait
expect ring op1 showing Ritorno: Anagrafe
op1 answers
expect connect line1 op1
expect record returned=sent_back
op1 hangs up
expect hang up line1
line1 idle
expect trail line1 transfer.anagrafe.residenza.topic.refer transfer.attended answered.anagrafe.residenza.1 transferred.anagrafe returned.anagrafe.sent_back ended
