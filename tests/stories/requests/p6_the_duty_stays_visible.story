# P6, E15: the duty is the office's, and stays visible until somebody says it was done
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 about "Iscrizione AIRE"
expect a mail to anagrafe@comune.example about "[Richiesta 1] Iscrizione AIRE" saying "entro gio 26 novembre 2026"
expect request 1 is sent
expect request 1 is not overdue now
at 2026-11-26 18:00
expect request 1 is not overdue now
at 2026-11-27 00:01
expect request 1 is overdue now
"Rossi" of the office takes 1
expect request 1 is taken
expect request 1 is overdue now
at 2027-06-01 10:00
expect request 1 is taken
op1 closes 1
expect refused "who said that it was done?"
op1 closes 1 because "Rossi, per telefono" said so
expect request 1 is done
expect request 1 is not overdue now
"Rossi" of the office takes 1
expect refused "it needs no take any more"
