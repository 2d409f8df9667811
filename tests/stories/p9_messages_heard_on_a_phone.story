# P9, E16: messages are heard on a phone, oldest first; a key closes one, listening alone does not; who heard it is kept
office example
at 2026-11-25 10:07:00
op1 dials *86
expect accept op1
op1 answers
expect fetch op1 after 0
fetched op1 3 from 051234567 at 2026-11-24 18:32
expect load op1 3
expect play op1 message_yesterday hour_18 minute_30 message_about message_from digit_0 digit_5 message/m3 message_keys message_call
op1 presses 9               # means nothing
op1 presses 1
expect play op1 message_yesterday message/m3
op1 prompt ends
expect hear op1 3
op1 presses 1
expect play op1 message/m3 message_call # the same keys again
op1 prompt ends
expect hear op1 3
op1 presses 3
expect close op1 3 called_back
closed op1
expect fetch op1 after 3
fetched op1 4 from withheld at 2026-11-23 09:00
expect load op1 4
expect play op1 message_closed message_monday hour_9 message_about message_withheld message/m4 without message_keys message_call
op1 presses 2
expect fetch op1 after 4
fetched op1 7 from unknown at 2026-11-02 09:00
expect load op1 7
expect play op1 message_on day_2 month_11 message_unknown
op1 prompt ends
expect hear op1 7
after 10 s                  # no key: the next one
expect fetch op1 after 7
fetched op1 8 from withheld at 2026-11-25 10:05
expect load op1 8
expect play op1 message_today hour_10 minute_5
op1 prompt ends
expect hear op1 8
op1 presses 4
expect close op1 8 not_needed
closed op1
expect fetch op1 after 8
fetched op1 nothing
expect play op1 message_closed messages_no_more
op1 prompt ends
expect hang up op1
