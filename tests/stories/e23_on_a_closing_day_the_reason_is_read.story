# E23, P5: a transfer that is asked for on a day the house is closed: the operator reads why, not bands that nobody keeps
office offices
at 2026-11-25 10:00:00
hours of house from 2026-11-25 to 2026-11-25 closed saying Ponte
hours of switchboard from 2026-11-25 to 2026-11-25 8-13 saying Presidio
line2 rings
expect ring op1 op2
line2 caller 051234567
op1 answers
expect answer line2
expect connect line2 op1
expect stop op2 elsewhere
line2 answered
command by op1: to anagrafe residenza because topic
expect said Anagrafe: chiuso (Ponte), riprende domani alle 9:00. Appuntamento o e-mail?
op1 hangs up
expect hang up line2
line2 idle
