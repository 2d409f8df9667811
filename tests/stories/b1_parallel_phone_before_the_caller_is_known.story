# B1: lifted before the caller is settled: the phones of the office ring no longer
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 taken
expect stop op1 op2 elsewhere
expect record result=taken evidence=parallel_phone way=switchboard
line1 idle
expect line1 is idle # a modem that cannot measure claims nothing
