# P6: an appointment lies in the office's slots, never twice; moved or cancelled it is free again
op1 books 2026-11-30 15:00 at anagrafe residenza for "Anna Verdi" 3470000001 about "Residenza"
expect a mail to anagrafe@comune.example about "[Richiesta 1] Appuntamento: Residenza"
op2 books 2026-11-30 15:00 at anagrafe residenza for "Bruno Neri" 3480000002 about "Residenza"
expect refused "has just been taken"
op2 books 2026-11-24 15:00 at anagrafe residenza for "Bruno Neri" 3480000002 about "Residenza"
expect refused "gives no appointment on 24 November 2026 at 15:00"
op1 moves 1 to 2026-11-30 15:20
expect a mail to anagrafe@comune.example about "Appuntamento spostato: [Richiesta 1] Residenza" following up the first saying "15:20–15:40"
op2 books 2026-11-30 15:00 at anagrafe residenza for "Bruno Neri" 3480000002 about "Residenza"
expect a mail to anagrafe@comune.example about "[Richiesta 2] Appuntamento: Residenza"
op1 cancels 1 because "Anna Verdi" said so
expect a mail to anagrafe@comune.example about "Annullata: [Richiesta 1] Residenza" following up the first
expect request 1 is done
op2 moves 2 to 2026-11-30 15:20
expect a mail to anagrafe@comune.example about "Appuntamento spostato: [Richiesta 2] Residenza"
