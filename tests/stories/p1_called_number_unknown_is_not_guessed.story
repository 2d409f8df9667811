# P1: where the number called is not known the line is shown, nothing is guessed
office example
at 2026-11-25 10:00:00
line3 rings
expect ring op1 op2 showing line3
expect record called=
line3 caller withheld
expect ring op1 op2 showing line3 numero riservato
line3 gives up
expect stop op1 op2
expect record result=gave_up caller=withheld called=
