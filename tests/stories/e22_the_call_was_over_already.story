# E22, E3: asked too late, at a phone that is out, at a position that is away: each has its sentence
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
screen of op1: answer line1
expect pick up op1
line1 gives up
expect stop op1 op2
op1 answers # it crossed
expect hang up op1
screen of op1: answer line1
expect said Questa chiamata è finita: l'utente ha riagganciato.
ask away on by op1
expect saved away:op1
line1 rings
expect ring op2
expect op1 can dial
screen of op1: answer
expect said Operatore 1 risulta assente: rientrare, poi rispondere.
op2 gone
screen of op2: hang up
expect said Il telefono di op2 non è raggiungibile: controllare che sia acceso e collegato.
expect op2 can do nothing
screen of op9: answer
expect said Questa postazione non ha un telefono: chiedere al tecnico di aggiungerlo.
op2 registers
screen of op2: answer
expect pick up op2
op2 is unreachable # it cannot take it
expect ring desk1 desk2
screen of op2: answer line1
expect ring op2 to pick up
op2 is busy
screen of desk1: answer
expect pick up desk1
desk1 declines
desk2 answers
expect answer line1
expect connect line1 desk2
line1 answered
line1 hangs up by busy_tone
expect hang up desk2
expect hang up line1
line1 idle
