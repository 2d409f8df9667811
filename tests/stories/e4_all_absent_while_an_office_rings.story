# E4, E7: all absent while an office rings: what rings is served, no further number is rung
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
line1 prompt ends
expect hold line1
ask absent on by capo until 10:10:00
expect saved absent
ana1 declines # ana2, the next number of that need, is not rung
expect play line1 office_no_answer
expect play line1 greeting_absent back_at hour_10 minute_10 leave_message
line1 hangs up by busy_tone
expect hang up line1
line1 idle
expect record returned=declined reason=absent
