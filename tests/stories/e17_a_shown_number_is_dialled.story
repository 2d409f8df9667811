# E17, P7: a shown number is clicked: the phone of the position picks up, then the box dials; refusals have their words
office example
at 2026-11-25 10:00:00
call log read
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
screen of op1: dial 0519999999
expect told no # nobody knows that number
screen of op1: dial
expect told no: Non c'è un numero da richiamare.
screen of op1: dial 051234567
expect told yes
expect ring op1 to pick up showing Chiamata: 051234567
expect op1 can do nothing
screen of op1: dial 051234567
expect told no: C'è già una chiamata in corso: prima concluderla o passarla.
screen of op9: dial 051234567
expect told no: Questa postazione non ha un telefono: chiedere al tecnico di aggiungerlo.
op2 gone
screen of op2: dial 051234567
expect told no: Il telefono di op2 non è raggiungibile: controllare che sia acceso e collegato.
op2 registers
line2 rings
expect ring op2
screen of op2: dial 051234567
expect told no: Il telefono squilla: prima rispondere, o aspettare che smetta.
line2 gives up
expect stop op2
op1 answers
expect dial out line3 051234567
expect op1 answers by itself: seen
expect op1 can hang up
line3 far end dialled
expect connect line3 op1
screen of op1: hold
expect said La chiamata si sta collegando: riprovare fra un attimo.
line3 far end answered
expect op1 can hold, hang up
screen of op1: resume
expect said Nessuno è in attesa: l'utente è in linea.
screen of op1: hold
expect said L'utente è in attesa e sente la musica.
expect hold line3
expect play op1 tone/hold
expect op1 can resume
screen of op1: hold
expect said L'utente è già in attesa.
screen of op1: hang up
expect said Un utente è in attesa: riprendere la chiamata, poi riagganciare.
op1 prompt ends
expect play op1 tone/hold
op1 presses 5
line3 presses *
screen of op1: resume
expect connect line3 op1
screen of op1: hold
expect hold line3
expect play op1 tone/hold
op1 presses * # by a key of the phone
expect connect line3 op1
screen of op1: hang up
expect hang up op1
expect hang up line3
line3 idle
expect record line3 result=answered case= evidence=operator
screen of op1: dial 051234567
expect told yes
expect ring op1 to pick up
screen of op1: answer # it rings with the call that was asked for: asked once
expect nothing
after 5 s
expect op1 can lift
op1 declines
expect record result=not_reached
at 2026-11-25 20:00:00
screen of op1: dial 051234567
expect told no # outside the band a reason is asked
screen of op1: dial 051234567 urgently
expect told yes
expect ring op1 to pick up
op1 is unreachable
expect record result=not_reached
