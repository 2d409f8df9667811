# P9: no message, a stalled disk, a message that cannot be closed: said in words, never silence
office example
at 2026-11-25 10:00:00
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 nothing
expect play op1 messages_none
op1 hangs up
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 nothing because the disk stalls
expect play op1 messages_fault
op1 prompt ends
expect hang up op1
op2 dials *86
expect accept op2
op2 answers
expect fetch op2 after 0
after 10 s                  # the disk says nothing
expect play op2 messages_fault
fetched op2 3 from 051234567
op2 prompt ends
expect hang up op2
op2 dials *86
expect accept op2
op2 answers
expect fetch op2 after 0
fetched op2 3 from 051234567
expect load op2 3
expect play op2 message/m3
op2 presses 3
expect close op2 3 called_back
closed op2 not because it was already closed by op1
expect play op2 message_not_closed
op2 prompt ends
expect hang up op2
op2 dials *86
expect accept op2
after 10 s
expect hang up op2
