# B9, E14: our patron saint closes us; another town's branch keeps the bands that it has declared
office branches
at 2026-11-30 10:00:00
line1 rings
line1 caller 0511111111
expect ring sede1 for 20 s
expect record line1 way=branch reason=closed.holiday
line1 gives up
expect stop sede1
