# E14: an office's special week is entered weeks ahead; until then and afterwards all is as declared, and it says why
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
anagrafe varies from 2026-12-09 to 2026-12-11 to 9-11 saying settimana elettorale
command by op1: to anagrafe residenza because topic # today nothing is different
expect play line1 connecting
expect play op1 tone/ringback
expect ring ana1
line1 prompt ends
expect hold line1
op1 presses *
expect stop ana1
expect connect line1 op1
op1 hangs up
expect hang up line1
line1 idle
at 2026-12-09 11:30:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to anagrafe residenza because topic
expect said Anagrafe: settimana elettorale, trasferibile 9:00–11:00, riprende domani alle 9:00. Appuntamento o e-mail?
op1 keys **31#
expect hold line1
expect play op1 digit_3 digit_1 bands_from day_9 bands_to hour_11 resumes_tomorrow hour_9
op1 presses *
expect connect line1 op1
op1 hangs up
expect hang up line1
line1 idle
at 2026-12-14 11:30:00 # the week is over by itself
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
op1 presses *
expect stop ana1
expect connect line1 op1
op1 hangs up
expect hang up line1
line1 idle
