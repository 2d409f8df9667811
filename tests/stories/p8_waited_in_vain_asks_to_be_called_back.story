# P8, E5: after the longest wait a key asks for a call back, kept before it is promised; doing nothing leads to voicemail
office waiting
at 2026-11-25 10:00:00
op1 dials 21
expect ring desk1
line1 rings
line1 caller 0511111111
expect answer line1
line1 answered
expect play line1 greeting_busy hold
line2 rings
line2 caller withheld
expect answer line2
line2 answered
expect play line2 greeting_busy hold
after 29 s
desk1 answers
expect accept op1
op1 answers
expect join op1 desk1
after 1 s
expect play line1 hold
expect play line2 hold
after 30 s
expect play line1 hold
expect play line2 hold
after 30 s
expect play line1 hold
expect play line2 hold
after 30 s
expect play line1 callback_offer en/callback_offer
expect record line1 reason=waiting.over
expect play line2 greeting_busy leave_message # whoever hides the number can leave words
line2 hangs up by busy_tone
expect hang up line2
expect record line2 result=no_message
line2 idle
line1 presses 5
expect nothing
line1 prompt ends
expect listen line1
line1 presses 1
expect listen line1
expect store call back line1
call back stored line1
expect play line1 callback_noted en/callback_noted
line1 prompt ends
expect hang up line1
line1 idle
expect record line1 result=no_message evidence=own
expect trail line1 waiting waited route.waiting.over callback_offered callback_wanted ended
