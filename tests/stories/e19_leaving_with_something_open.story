# E19: leaving with a call held or a return open is refused in words; whoever merely talks may go
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
op2 dials *841 # somebody else's caller: op2 has nothing open
expect accept op2
expect saved away:op2
op2 answers
expect play op2 state_away_on
op2 prompt ends
expect hang up op2
op1 keys **31#
expect hold line1
expect play op1 digit_3
ask away on by op1 # the caller hears music for its sake
expect said op1 ha un utente in attesa: prima riprenderlo, o passarlo; la postazione resta presente.
expect trail line1 away_refused.op1
op1 presses *
expect connect line1 op1
ask away on by op1 # from now on it merely talks: it goes away afterwards
expect saved away:op1 away:op2
expect said nothing
expect mail to head about Centralino non presidiato dalle 10:00
ask away off by op1
expect saved away:op2
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
line1 prompt ends
expect hold line1
ask away on by op1 # it would come back here
expect said op1 ha un utente in attesa: prima riprenderlo, o passarlo; la postazione resta presente.
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Anagrafe
line1 prompt ends
expect hold line1
op1 declines
expect line1 shows Ritorno in attesa: Anagrafe (op1)
after 20 s
op1 dials *841
expect accept op1
op1 answers
expect play op1 state_away_refused
op1 prompt ends
expect hang up op1
ask away on by op1
expect said op1 ha un ritorno aperto (Anagrafe): prima va preso, da questa postazione o da un'altra; la postazione resta presente.
line1 hangs up by busy_tone
expect hang up line1
line1 idle
op1 dials *841 # nothing is open any more
expect accept op1
expect saved away:op1 away:op2
expect mail to head about Centralino non presidiato dalle 10:00
op1 hangs up
expect switchboard is unattended
