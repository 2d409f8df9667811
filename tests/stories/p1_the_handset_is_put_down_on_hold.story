# P1, B1: no caller on hold is cut off: the phones ring again, this one too; the longest call ends all the same
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
screen of op1: hold
expect hold line1
expect play op1 tone/hold
op1 hangs up
expect ring op1 op2
expect trail line1 on_hold recalled
screen of op1: answer
expect pick up op1
op1 answers
expect connect line1 op1
expect stop op2 elsewhere
screen of op1: hold
expect hold line1
expect play op1 tone/hold
op1 is lost
expect hold line1
expect ring op2
op2 answers
expect connect line1 op2
screen of op2: hold
expect hold line1
expect play op2 tone/hold
line1 taken # a telephone beside the line
expect hang up op2
expect hang up line1
line1 idle
