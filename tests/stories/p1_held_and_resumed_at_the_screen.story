# P1, B1, E5: the caller hears music, nobody else rings; the operator is reminded, and takes the caller back
office example
at 2026-11-25 10:00:00
screen of op1: hold
expect said Ora non c'è nessuna chiamata in corso.
screen of op1: resume
expect said Ora non c'è nessuna chiamata in corso.
line1 rings
expect ring op1 op2
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
screen of op1: resume
expect said Nessuno è in attesa: l'utente è in linea.
screen of op1: hold
expect said L'utente è in attesa e sente la musica.
expect hold line1
expect play op1 tone/hold
expect op1 can resume
screen of op1: hold
expect said L'utente è già in attesa.
screen of op1: hang up
expect said Un utente è in attesa: riprendere la chiamata, poi riagganciare.
ask away on by op1
expect said op1 ha un utente in attesa: prima riprenderlo, o passarlo; la postazione resta presente.
op1 prompt ends # the sign is repeated
expect play op1 tone/hold
line1 presses *
op1 presses 5
expect nothing
screen of op1: resume
expect said Di nuovo in linea con l'utente.
expect connect line1 op1
expect op1 can hold, hang up
screen of op1: hold
expect hold line1
expect play op1 tone/hold
op1 presses * # by a key of the phone
expect connect line1 op1
screen of op1: hold
expect hold line1
expect play op1 tone/hold
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle
expect record line1 phone=op1 result=answered
expect trail line1 talking on_hold resumed on_hold resumed on_hold ended
