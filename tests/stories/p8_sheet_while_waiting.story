# P8, P1: who waits for a free operator may hear a sheet meanwhile; nothing is said over it, and whoever becomes free gets the caller all the same
office waiting_alone
at 2026-11-25 10:00:00
sheets spoken carta:it passport:en
line1 rings
expect ring op1
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy title_carta hold en/greeting_busy en/title_passport en/hold
after 5 s
line2 presses 9 # no sheet is on it
expect nothing
line2 presses 1
expect play line2 sheet_carta
after 2 s
line2 prompt ends
expect hold line2
after 29 s
expect nothing
after 1 s
expect play line2 hold without title_carta
line2 presses 2
expect play line2 en/sheet_passport
after 5 s
op1 hangs up
expect hang up line1
expect ring op1
op1 answers
expect connect line2 op1
line1 idle
op1 hangs up
expect hang up line2
expect record line2 result=answered
expect trail line2 waiting sheet.carta sheet.passport
line2 idle
# one who waits, has the answer and hangs up was answered by the filter
line1 rings
expect ring op1
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
line1 answered
line2 rings
line2 caller 0512222222
expect answer line2
line2 answered
expect play line2 greeting_busy title_carta
line2 presses 1
expect play line2 sheet_carta
line2 hangs up by busy_tone
expect hang up line2
expect record line2 result=informed sheets=carta
line2 idle
