# E15: "sent" is what the mail server has taken, never more; what the office has comes from its word
network down
op1 takes an e-mail for anagrafe aire from "Anna Verdi" 3470000001 about "Iscrizione AIRE"
expect request 1 is open
"Rossi" of the office takes 1
expect request 1 is taken
network up
after 20 min
expect a mail to anagrafe@comune.example about "[Richiesta 1] Iscrizione AIRE" saying "indicando il numero 1"
expect request 1 is taken
op1 takes an e-mail for anagrafe aire from "Bruno Neri" 3480000002 about "Tempi"
expect a mail to anagrafe@comune.example about "[Richiesta 2] Tempi"
expect request 2 is sent
op1 takes an e-mail for tributi imu from "Carla" 3490000003 about "IMU"
expect refused "there is no office 'tributi' in the register"
