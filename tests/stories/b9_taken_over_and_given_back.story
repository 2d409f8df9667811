# B9: a caller of another branch rings here as any caller; nobody lifts: whoever sent them decides
office example
at 2026-11-25 10:00:00
sip1 comes over from porto as 051234567
expect ring op1 op2 for 25 s showing porto 051234567
op1 declines
after 25 s
expect stop op2
expect ring desk1 desk2
desk1 is busy
desk2 is busy
expect refuse sip1 480 # never answered: neither voicemail nor waiting here
expect record line=porto result=not_reached evidence=own answered=
expect trail porto rang branch.from.porto route.open.free ring.op1,op2 declined.op1 ended
sip2 comes over from porto as withheld
expect ring op1 op2 showing porto numero riservato
sip2 hangs up # the caller has given up, or porto takes the call back
expect stop op1 op2
expect record result=not_reached evidence=gave_up
ask absent on by capo
expect saved absent
sip3 comes over from porto as 051234567
expect refuse sip3 480
