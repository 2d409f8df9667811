# P6, P5: none of the office's phones can be reached: the operator has the caller back at once, with the office's rule
office offices
at 2026-11-25 10:00:00
ana1 gone
ana2 gone
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
expect hold line1
expect play op1 nobody_there word_appointment digit_1 word_email digit_2
expect record returned=unreachable target=
op1 presses *
expect connect line1 op1
ana1 registers # it has power again
command by op1: to anagrafe residenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
line1 prompt ends
expect hold line1
ana1 is unreachable
expect hold line1
expect play op1 nobody_there
op1 presses *
expect connect line1 op1
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered returned=unreachable
expect trail line1 unreachable.anagrafe.residenza.1 unreachable.anagrafe.residenza.2 returned.anagrafe.unreachable
