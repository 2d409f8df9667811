# E14: what was entered last holds, and a revocation brings back what held before
office example
at 2026-11-16 10:00:00
hours of house from 2026-11-16 to 2026-11-20 closed saying Trasloco
hours of switchboard from 2026-11-16 to 2026-11-16 9-12 saying Presidio
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
hours entry 2 revoked
line1 rings
line1 caller 051234567
expect answer line1
expect record reason=closed.special
line1 answered
expect play line1 greeting_special reopen_saturday
line1 hangs up by busy_tone
expect hang up line1
line1 idle
hours entry 1 revoked
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
line1 idle
