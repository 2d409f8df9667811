# P6, P3: from hold on to an office, and back to the caller by one key of the screen, whether it rings or was spoken with
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
screen of op1: hold
expect hold line1
expect play op1 tone/hold
command by op1: to anagrafe residenza because topic
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1
expect op1 can resume, hang up
screen of op1: hold
expect said L'utente è già in attesa mentre si chiama l'ufficio.
screen of op1: resume
expect stop ana1
expect connect line1 op1
expect trail line1 on_hold returned.anagrafe.taken_back
command by op1: to anagrafe residenza because topic
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op1 ana1
screen of op1: resume # the clerk cannot take it
expect hang up ana1
expect connect line1 op1
expect line1 shows Ritorno: Anagrafe (op1)
screen of op1: hold
expect hold line1
expect play op1 tone/hold
expect line1 shows Ritorno: Anagrafe (op1)
screen of op1: resume
expect connect line1 op1
command by op1: to anagrafe residenza because topic
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1
ana1 answers
expect hold line1
expect join op1 ana1
screen of op1: hang up # hands over, as the handset does
expect hang up op1
expect connect line1 ana1
expect op1 can dial
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
line1 rings
expect ring op1 op2
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 keys **31#
expect hold line1
expect play op1 digit_3 digit_1 word_topic digit_1 word_depth digit_2 word_other digit_3
expect op1 can resume
screen of op1: hang up
expect said Un utente è in attesa: riprendere la chiamata, poi riagganciare.
screen of op1: resume # rather not
expect connect line1 op1
screen of op1: hang up
expect hang up op1
expect hang up line1
line1 idle
