# P5: a call forward set on a phone is not followed; the counter rings when no other phone is left
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 redirects
op2 declines
expect ring desk1 desk2
line1 gives up
expect stop desk1 desk2
expect trail line1 redirected.op1 declined.op2
