# E9: open requests are offered first; a reminder is no second request; at the second the head sees it
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 about "Iscrizione AIRE"
expect a mail to anagrafe@comune.example about "[Richiesta 1] Iscrizione AIRE"
after 1 days
op2 takes an e-mail for anagrafe aire from "Signora Verdi" 3470000001 about "AIRE"
expect refused "the citizen has open requests: 1 (anagrafe: Iscrizione AIRE)"
op2 takes an e-mail for anagrafe aire from "Verdi" 0512345678 about "AIRE"
expect refused "requests remind 1"
op2 reminds 1 "Non ha sentito nessuno"
expect a mail to anagrafe@comune.example about "Sollecito: [Richiesta 1] Iscrizione AIRE" following up the first saying "Non ha sentito nessuno"
after 1 days
op1 reminds 1 "Terza telefonata"
expect a mail to anagrafe@comune.example about "Sollecito: [Richiesta 1] Iscrizione AIRE" following up the first saying "(sollecito 2)"
expect a mail to responsabile@comune.example about "Sollecitata 2 volte: richiesta 1 per Anagrafe" saying "Terza telefonata"
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 about "Altra cosa" anyway
expect a mail to anagrafe@comune.example about "[Richiesta 2] Altra cosa"
