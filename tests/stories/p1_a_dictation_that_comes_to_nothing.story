# P1, E21: what is not kept is forgotten, and whoever asked is told why in one sentence
office example
at 2026-11-25 10:00:00
op1 is asked to dictate
expect told yes
expect ring op1
op1 is asked to dictate             # it rings for that already
expect told no
after 25 s                          # nobody lifts
expect stop op1
expect dictation no_answer
op1 is asked to dictate
expect told yes
expect ring op1
op1 is busy
expect dictation busy
op1 is asked to dictate
expect told yes
expect ring op1
op1 declines
expect dictation declined
op1 is asked to dictate
expect told yes
expect ring op1
op1 is unreachable
expect dictation unreachable
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 hangs up                        # before a word
expect dictation hung_up
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 presses *
expect hang up op1
expect drop dictation of op1
expect dictation discarded
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by limit length 30000 ms
expect drop dictation of op1
expect dictation too_long
expect play op1 message_full
op1 hangs up
op1 is asked to dictate
expect told yes
expect ring op1
op1 answers
expect dictation speaks
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by silence length 8000 ms trim 8000 ms
expect drop dictation of op1
expect dictation unheard            # it is asked for again
expect play op1 dictation_ask tone_record
op1 prompt ends
expect recording op1 up to 30 s
op1 recording ends by key length 5000 ms trim 200 ms
expect dictation reviews
expect op1 hears itself then dictation_keys
op1 prompt ends
after 30 s                          # no key
expect hang up op1
expect drop dictation of op1
expect dictation discarded
stranger1 is asked to dictate
expect told no
op2 gone
op2 is asked to dictate
expect told no
