# E10: with an office that cannot be had now stands the sentence to say to the caller
office offices
at 2026-11-25 12:45:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to edilizia pratiche because topic
expect said Edilizia privata: trasferibile 9:00–12:30, riprende oggi alle 15:00. Appuntamento? Da dire: «Il tecnico La richiama in giornata.»
line1 hangs up by busy_tone
expect hang up op1
expect hang up line1
line1 idle
