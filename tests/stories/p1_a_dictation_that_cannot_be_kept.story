# P1, B6: no disk, no sound, no phone: the dictation ends, and is told
office example
at 2026-11-25 10:00:00
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by key length 5000 ms trim 200 ms
expect dictation reviews
expect op1 hears itself then dictation_keys
op1 presses 1
expect keep dictation of op1
dictation of op1 is not kept because the disk is full
expect play op1 try_later
op1 prompt ends
expect hang up op1
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by lost length 1000 ms
expect drop dictation of op1
expect dictation lost
expect play op1 try_later
op1 prompt ends
expect hang up op1
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
carrier lost
expect hang up op1
expect dictation lost
op1 is asked to dictate             # there is no sound to be had
expect told no
carrier restored
op1 is asked to dictate
expect told yes
expect ring op1
box stopped
expect stop op1
expect dictation lost
