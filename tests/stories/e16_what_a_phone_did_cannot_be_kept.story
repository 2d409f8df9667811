# E16: where the disk refuses, the phone is told so; nobody believes a message to be theirs
office example
at 2026-11-25 10:07:00
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 3 from 051234567 at 2026-11-25 10:05
expect load op1 3
expect play op1 message_today
op1 presses 5
expect take op1 3
marked op1 not because disk full
expect play op1 messages_fault
op1 prompt ends
expect hang up op1
