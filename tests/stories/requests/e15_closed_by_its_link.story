# E15: the link in the office's mail closes its request, once, for whoever says so; others after it nothing
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 about "Iscrizione AIRE"
expect a mail to anagrafe@comune.example about "[Richiesta 1] Iscrizione AIRE" saying "https://centralino.local/done/"
op1 reminds 1 "Aspetta da una settimana"
expect a mail to anagrafe@comune.example about "Sollecito: [Richiesta 1] Iscrizione AIRE" following up the first saying "https://centralino.local/done/"
"" closes 1 by its first link
expect refused "Who says that the request is done?"
expect request 1 is sent
"Rossi" closes 1 by its first link
expect request 1 is done
"Rossi" closes 1 by its first link
expect refused "The request was closed by this link"
"Bianchi" closes 1 by its last link
expect refused "The request was closed already"
op1 takes an e-mail for anagrafe aire from "Bruno Neri" 3480000002 about "Tempi"
expect a mail to anagrafe@comune.example about "[Richiesta 2] Tempi"
after 90 days
"Rossi" closes 2 by its first link
expect refused "This link has expired"
expect request 2 is sent
op1 closes 2 because "Rossi" said so
expect request 2 is done
