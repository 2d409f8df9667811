# P8: "Non presidiato" sends calls to the counter until it is undone
office example
at 2026-11-25 10:00:00
ask unattended on by capo
expect saved unattended
expect switchboard is unattended
line1 rings
expect ring desk1 desk2
line1 caller 051234567
expect record reason=overflow.unattended
after 20 s
expect stop desk1 desk2
expect answer line1
line1 answered
expect play line1 greeting_unattended leave_message
expect record way=voicemail reason=desk.no_answer
line1 hangs up by loop
expect hang up line1
line1 idle
ask unattended off by capo
expect saved nothing
expect switchboard is free
line1 rings
expect ring op1 op2
line1 caller 051234567
line1 gives up
expect stop op1 op2
