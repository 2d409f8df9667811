# E4, E6: all absent while a return rings: no phone rings any more, the caller hears why
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
command by op1: to anagrafe residenza because topic blind
expect play line1 connecting
expect hang up op1
expect ring ana1
ana1 declines
expect ring ana2
ana2 declines
expect play line1 office_no_answer
expect ring op1
ask unattended on by op2 # a return is served to its end
expect saved unattended
expect nothing
ask absent on by op2
expect saved unattended absent
expect stop op1
expect play line1 greeting_absent
line1 hangs up by busy_tone
expect hang up line1
line1 idle
