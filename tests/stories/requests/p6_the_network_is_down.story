# P6: neither is lost if the network is down at that moment
network down
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 anna@example.org about "Iscrizione AIRE"
op2 books 2026-11-30 15:00 at anagrafe residenza for "Bruno Neri" 3480000002 about "Cambio di residenza"
expect request 1 is open
expect request 2 is open
expect no mail
expect 3 mails waiting
the box is restarted
expect 3 mails waiting
after 1 days
network up
after 20 min
expect a mail to anagrafe@comune.example about "[Richiesta 1] Iscrizione AIRE" saying "telefono: 3470000001 (preferito)"
expect a mail to anna@example.org about "Comune di Esempio: la sua richiesta n. 1" saying "Ufficio: Anagrafe"
expect a mail to anagrafe@comune.example about "[Richiesta 2] Appuntamento: Cambio di residenza" saying "lun 30 novembre 2026, 15:00–15:20, di persona"
expect request 1 is sent
expect request 2 is sent
