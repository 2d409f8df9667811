# B4, B6: with two lines the second one helps; the announcement is repeated once; a lost line is no hang-up
office outside_two
at 2026-11-25 10:00:00
op1 gone
op2 gone
line1 rings
expect dial line2 to switchboard
line1 caller 051234567
expect record way=switchboard reason=open.free
line2 far end answered
expect play line2 offer_call
line2 prompt ends
expect listen line2
after 10 s
expect play line2 offer_call
line2 prompt ends
expect listen line2
line2 presses 1
expect answer line1
expect join lines line1 line2
line1 answered
line2 lost unplugged
expect hold line1
expect play line1 greeting_fault
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line2 restored
line1 rings
expect dial line2 to switchboard
line1 caller 051234567
after 25 s
expect nothing
after 15 s # the carrier never said anything
expect hang up line2
expect answer line1
line1 answered
expect play line1 greeting_no_answer
after 40 s # nor that the line is idle
line1 hangs up by busy_tone
expect hang up line1
line1 idle
line2 idle
line1 rings
expect dial line2 to switchboard
line1 caller 051234567
carrier lost
expect line2 is out
