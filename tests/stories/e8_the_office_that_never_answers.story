# E8: after three unanswered transfers in a row the operator is told before trying, and may go straight to the rule
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
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2 without word_try
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2 without word_try
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2 without word_try
op1 presses *
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect said Anagrafe: le ultime 3 chiamate non hanno avuto risposta. Appuntamento o e-mail?
expect nothing
op1 keys **31#
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2 word_try digit_3
op1 presses 3 # all the same
expect hold line1
expect play op1 digit_3 digit_1 word_topic
op1 presses 1
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op1 ana1
op1 presses *
expect hang up ana1
expect connect line1 op1
op1 keys **31# # it has answered: the count begins anew
expect hold line1
expect play op1 digit_3 digit_1 word_topic without nobody_there
op1 hangs up # before saying why: the caller is not dropped
expect hold line1
expect ring op2
op2 answers
expect connect line1 op2
expect trail line1 transfer_warned.anagrafe.residenza
op2 hangs up
expect hang up line1
line1 idle
