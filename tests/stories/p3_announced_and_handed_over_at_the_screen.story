# P3, P6: who announces a caller alternates between both, hands over or takes the caller back, at the screen
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
screen of op2: hand over
expect said Ora non c'è nessuna chiamata in corso.
screen of op1: hand over
expect said Nessun ufficio ha risposto: non c'è nessuno a cui passare la chiamata.
screen of op1: alternate
expect said Nessun ufficio ha risposto: non c'è nessuno a cui passare la chiamata.
command by op1: to anagrafe residenza because topic
expect play line1 connecting en/connecting
expect play op1 tone/ringback
expect ring ana1 for 20 s showing Centralino: Cambio di residenza, 051234567
line1 prompt ends
expect hold line1
expect op1 can resume, hang up
ana1 answers
expect join op1 ana1
expect op1 can resume, alternate, hand over, hang up
screen of op1: alternate
expect said In linea con l'utente, l'ufficio sente la musica.
expect play ana1 hold_music
expect connect line1 op1
expect line1 shows Ufficio in attesa: Anagrafe (op1)
expect op1 can resume, alternate, hand over, hang up
ana1 prompt ends
expect play ana1 hold_music
screen of op1: hold
expect said L'ufficio è in attesa: tornare all'ufficio, passare la chiamata o lasciare l'ufficio.
screen of op1: alternate
expect said In linea con l'ufficio, l'utente sente la musica.
expect hold line1
expect join op1 ana1
expect line1 shows Operatore e ufficio: Anagrafe (op1)
screen of op1: hand over
expect said Chiamata passata all'ufficio.
expect hang up op1
expect connect line1 ana1
expect line1 shows In comunicazione: Anagrafe (op1)
line1 hangs up by busy_tone
expect hang up ana1
expect hang up line1
line1 idle
expect record result=answered unit=anagrafe returned=
