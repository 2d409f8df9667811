# E6, P6: the operator who sent it is busy: others, a minute of hold, the counter; only then the caller is asked
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
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
line1 prompt ends
expect hold line1
line2 rings
expect ring op1 op2
line2 caller 3331234567
op1 answers
expect answer line2
expect connect line2 op1
expect stop op2 elsewhere
line2 answered
ana1 declines
expect ring ana2
ana2 declines # the busy operator's own call is never touched
expect play line1 office_no_answer
expect ring op2 for 25 s showing Ritorno: Anagrafe
line1 prompt ends
expect hold line1
op2 declines
expect line1 shows Ritorno in attesa: Anagrafe (op1)
after 30 s
expect nothing
op1 hangs up # free: the return rings there before any new call
expect hang up line2
expect ring op1 for 25 s showing Ritorno: Anagrafe
line2 idle
op1 declines
after 29 s
expect nothing
after 1 s
expect ring desk1 desk2 for 20 s showing Ritorno: Anagrafe
after 20 s
expect stop desk1 desk2
expect play line1 hold message_offer
expect line1 shows Ritorno in attesa: Anagrafe (op1)
line1 prompt ends # the caller stays
expect hold line1
expect ring op1 showing Ritorno: Anagrafe
line1 presses 1 # and thinks better of it
expect stop op1
expect play line1 greeting_no_answer leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 9000 ms
expect store line1
stored line1
expect play line1 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=message way=voicemail returned=declined unit=anagrafe
expect trail line1 returned.anagrafe.declined return.ring.op2 return.waiting return.ring.op1 return.ring.desk1,desk2 return.offer return.left_words
