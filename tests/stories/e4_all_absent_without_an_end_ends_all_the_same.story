# E4: all absent always ends by itself, after an hour when nobody said when
office example
at 2026-11-25 10:00:00
ask absent on by capo
expect saved absent
at 11:00:00
expect saved nothing
