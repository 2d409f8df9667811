# P5, P6, E13: only what the office has declared is offered; a star leads back to the caller
office offices
at 2026-11-25 12:40:00
line1 rings
expect ring op1 op2
line1 caller withheld
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 keys **41#
expect hold line1
expect play op1 word_email digit_2 without word_appointment
op1 presses 1
expect nothing
op1 presses *
expect connect line1 op1
op1 keys **# # the rule of the office spoken of last
expect hold line1
expect play op1 word_email
op1 prompt ends
after 10 s # nothing was pressed
expect connect line1 op1
command by op1: to scuola mensa because other
expect said Servizi scolastici: non ha ancora una comunicazione. E-mail?
expect nothing
op1 hangs up
expect hang up line1
line1 idle
