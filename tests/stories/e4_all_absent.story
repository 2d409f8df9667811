# E4: all absent: no phone rings, callers hear why and when to call again, it ends by itself
office example
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 0511111111
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
line2 rings
expect ring op2
line2 caller 0512222222
ask absent on by capo until 10:30:00
expect saved absent
expect stop op2
expect answer line2
expect record line2 reason=absent way=voicemail
line2 answered
expect play line2 greeting_absent back_at hour_10 minute_30 leave_message
line3 rings
line3 caller unknown
expect answer line3
line3 answered
expect play line3 greeting_absent
line2 hangs up by busy_tone
expect hang up line2
line3 hangs up by busy_tone
expect hang up line3
line2 idle
line3 idle
at 10:29:00
expect line1 is in_use
at 10:30:00
expect saved nothing
expect ring op2 showing Tutti assenti: finito # a sign on every desk, but not in a conversation
expect ring desk1 showing Tutti assenti: finito
expect ring desk2 showing Tutti assenti: finito
after 1 s
line2 rings
expect ring op2
expect stop op2 # the sign makes way for a caller
line2 caller 0512222222
after 9 s
expect stop desk1 desk2
line2 gives up
expect stop op2
op1 hangs up
expect hang up line1
line1 idle
expect record line1 result=answered
