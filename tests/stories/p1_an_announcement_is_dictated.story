# P1, E21: an announcement is said at a phone, heard again, said once more, kept as a draft
office example
at 2026-11-25 10:00:00
op1 is asked to dictate
expect told yes
expect ring op1 showing Dettatura annuncio
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 presses 5                       # only the hash and the star mean something
expect nothing
op1 presses #
expect recording op1 to end
op1 recording ends by key length 6000 ms trim 200 ms
expect dictation reviews
expect op1 hears itself then dictation_keys
op1 presses 2
expect drop dictation of op1
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by silence length 9000 ms trim 4500 ms
expect dictation reviews
expect op1 hears itself then dictation_keys
op1 prompt ends
after 25 s                          # whoever chooses may think
expect nothing
op1 presses 7
expect nothing
op1 presses 1
expect keep dictation of op1
dictation of op1 is kept
expect play op1 tone_ok
op1 prompt ends
expect hang up op1
