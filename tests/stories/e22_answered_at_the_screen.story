# E22, E3: answered at the screen, the phone picks up by itself; the caller and the other phones notice nothing before
office example
at 2026-11-25 10:00:00
expect op1 can dial
screen of op1: answer
expect said Nessuna chiamata in arrivo.
line1 rings
expect ring op1 op2
expect op1 can answer line1
expect op1 answers by itself: unknown
line1 caller 051234567
screen of op1: answer line1
expect said Il telefono sta per rispondere: se continua a squillare, alzare la cornetta.
expect pick up op1
screen of op1: answer # pressed twice
expect nothing
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
expect op1 answers by itself: seen
expect op1 can hang up # the line is not up yet
screen of op1: hold
expect said La chiamata si sta collegando: riprovare fra un attimo.
line1 answered
expect op1 can hold, hang up
screen of op2: answer line1
expect said A questa chiamata ha risposto Operatore 1.
screen of op1: answer line1
expect said Questa chiamata è già su questo telefono.
line2 rings
expect ring op2
screen of op1: answer line2
expect said C'è già una chiamata in corso: prima concluderla o passarla.
line2 gives up
expect stop op2
screen of op1: hang up
expect said Riagganciato.
expect hang up op1
expect hang up line1
line1 idle
expect record line1 phone=op1 result=answered evidence=operator
expect trail line1 ring.op1,op2 pick_up.op1 answered.op1 operator_left ended
screen of op1: hang up
expect said Ora non c'è nessuna chiamata in corso.
line1 rings
expect ring op1 op2
screen of op1: answer
expect said Il telefono risponde.
expect pick up op1
