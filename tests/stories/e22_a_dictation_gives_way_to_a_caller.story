# E22, P8: a caller goes before a dictation; while another phone is free nobody is disturbed
office example
at 2026-11-25 10:00:00
op1 is asked to dictate
expect told yes
expect ring op1
line1 rings
expect stop op1                     # it rang for the dictation: now for the caller
expect dictation needed
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
line1 rings
expect ring op2                     # op1 goes on dictating
line1 caller 051234567
expect op1 is busy
line2 rings
expect hang up op1                  # nobody else is free
expect drop dictation of op1
expect dictation needed
expect ring op1
line2 caller 051234568
line1 gives up
expect stop op2
line2 gives up
expect stop op1
