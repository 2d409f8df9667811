# P9: the front desk sees how many messages nobody has closed
office example
at 2026-11-25 08:30:00
messages waiting 3
expect waiting 3
messages waiting 0
expect waiting 0
