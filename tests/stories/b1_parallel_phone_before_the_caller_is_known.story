# B1: lifted before the caller is settled: no phone of the office ever rings
office example
at 2026-11-25 10:00:00
line1 rings
line1 taken
expect nothing
expect record result=taken evidence=parallel_phone way=none
line1 idle
expect line1 is idle # a modem that cannot measure claims nothing
