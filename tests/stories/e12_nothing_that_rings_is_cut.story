# E12, P5: a band that closes and a variation that is entered cut nothing that rings; the next one is refused
office offices
at 2026-11-25 12:29:50
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
line1 prompt ends
expect hold line1
anagrafe varies today to 15-16
after 15 s # 12:30 has passed
expect nothing
ana1 answers
expect join op1 ana1
op1 presses *
expect hang up ana1
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect said Anagrafe: riprende oggi alle 15:00. Appuntamento o e-mail?
at 15:30:00
op1 keys **31#
expect hold line1
expect play op1 word_topic
at 15:31:00 # whoever presses nothing has the caller again
expect connect line1 op1
ask absent on by op1 until 16:00:00
expect saved absent
command by op1: to anagrafe residenza because topic
expect said Anagrafe: tutti assenti per un breve periodo. Appuntamento o e-mail?
op1 hangs up
expect hang up line1
line1 idle
