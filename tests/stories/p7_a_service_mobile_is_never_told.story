# P7, P3: a transfer to a service mobile goes over a second line; no order, screen or record names its number
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
op1 keys **61#
expect hold line1
expect play op1 word_topic
expect nowhere 3391234567
op1 presses 2
expect play line1 connecting
expect play op1 tone/ringback
expect dial line3 to sociali.assistenza.1 for 40 s
expect line1 shows Squilla: Servizi sociali (op1)
line1 prompt ends
expect hold line1
line3 far end ringing
line3 far end answered
expect play line3 offer_call
line3 prompt ends
expect listen line3
line3 presses 1
expect connect line3 op1
op1 hangs up
expect join lines line1 line3
expect nowhere 3391234567
line3 hangs up by busy_tone
expect hang up line3
expect hang up line1
line1 idle
line3 idle
expect record line1 unit=sociali need=assistenza transfer_reason=depth result=answered
expect nowhere 3391234567
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to sociali assistenza because topic blind
expect play line1 connecting
expect hang up op1
expect dial line3 to sociali.assistenza.1 for 40 s
line3 far end no_answer
expect hang up line3
expect play line1 office_no_answer
expect ring op1 showing Ritorno: Servizi sociali
op1 answers
expect connect line1 op1
expect record returned=no_answer target=
expect nowhere 3391234567
op1 hangs up
expect hang up line1
line1 idle
line3 idle
