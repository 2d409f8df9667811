# E6, E5: nobody takes the return and the caller says nothing: voicemail in the end
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op2 gone
desk1 gone
desk2 gone
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
op1 gone
ana1 is busy
expect ring ana2
ana2 is busy
expect play line1 office_no_answer
line1 prompt ends
expect hold line1
after 60 s
expect play line1 hold message_offer
line1 presses 2 # means nothing
expect nothing
after 60 s # no word was heard of the announcement
expect hold line1
after 60 s
expect play line1 hold message_offer
line1 prompt ends
expect hold line1
after 60 s
expect play line1 greeting_no_answer
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record result=answered way=voicemail
