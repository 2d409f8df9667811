# E19: positions call each other by extension; a public call is never rung at an engaged phone
office example
at 2026-11-25 10:00:00
op1 dials 12
expect ring op2 showing Operatore 1
line1 rings
expect ring desk1 desk2     # both operators are engaged: all busy (P8)
line1 caller 051234567
op2 answers
expect accept op1
op1 answers
expect join op1 op2
expect switchboard is busy
desk1 answers
expect answer line1
expect connect line1 desk1
expect stop desk2 elsewhere
op2 hangs up
expect hang up op1
expect switchboard is free
desk2 dials 21              # in a conversation with the caller
expect refuse desk2 486
desk2 dials 22              # itself
expect refuse desk2 486
op1 dials 30                # not registered
expect refuse op1 480
op1 dials 99
expect refuse op1 404
stranger1 dials 11
expect refuse stranger1 403
