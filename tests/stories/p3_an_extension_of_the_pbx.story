# P3, E7: an extension of the PBX behind the line, by hook flash; nobody there, the caller is brought back
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
op1 keys **32#
expect hold line1
expect play op1 word_topic
op1 presses 1
expect play line1 connecting
expect play op1 tone/ringback
expect hang up op1 # with the hook flashed nobody can stay
line1 prompt ends
expect flash line1 to anagrafe.aire.1 for 40 s
line1 far end ringing
line1 far end busy
expect flash back line1
line1 flashed
expect hold line1
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
op1 answers
expect connect line1 op1
command by op1: to anagrafe aire because topic
expect play line1 connecting
expect play op1 tone/ringback
expect hang up op1
line1 prompt ends
expect flash line1 to anagrafe.aire.1 for 40 s
line1 far end ringing
ask absent on by op1 # E4: what rings already is not cut
expect saved absent
line1 far end answered
expect play line1 offer_call
line1 prompt ends
expect listen line1
line1 presses 1
expect hang up line1
line1 idle
expect record result=answered target=anagrafe.aire.1 phone=op1 returned=
