# P2: which sheets answered the question is recorded with the call, each once, while it goes on
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2 for 25 s
line1 caller 3331234567
op1 uses sheet imu # op1 is in no call yet
expect nothing
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
op1 uses sheet cambio-residenza
expect record sheets=cambio-residenza result=open
op1 uses sheet carta-identita
op1 uses sheet cambio-residenza # the same one twice is one
expect record sheets=cambio-residenza,carta-identita
op2 uses sheet imu # op2 has no call
after 3 min
op1 hangs up
expect hang up line1
line1 idle
expect record result=answered sheets=cambio-residenza,carta-identita
expect trail line1 answered.op1 talking sheet.cambio-residenza sheet.carta-identita operator_left ended
