# P8, E5: an unattended switchboard with an end comes back by itself
office example
at 2026-11-25 10:00:00
ask unattended on by op1 until 10:30:00
expect saved unattended
at 10:29:59
expect nothing
expect switchboard is unattended
at 10:30:00
expect saved nothing
expect switchboard is free
