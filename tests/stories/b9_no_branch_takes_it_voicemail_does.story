# B9: one branch is busy, the other one does not lift: voicemail says what it would have said at once
office branches
at 2026-11-25 10:00:00
op1 gone
line1 rings
line1 caller 0511111111
expect ring sede1 for 20 s
sede1 is busy
expect ring sede2 for 20 s
after 20 s
expect stop sede2
expect answer line1
expect record line1 way=voicemail reason=desk.none
line1 answered
expect play line1 greeting_fault
line1 gives up
expect hang up line1
