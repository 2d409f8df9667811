# E3, P8: the last position gone makes the switchboard "Non presidiato" and tells the head, once, and not by night
office example
at 2026-11-25 10:00:00
op1 gone
ask away on by op2
expect saved away:op2
expect switchboard is unattended
expect mail to head about Centralino non presidiato dalle 10:00
ask away on by desk1 # the counter is another matter
expect saved away:op2 away:desk1
ask away off by op2
expect saved away:desk1
ask unattended on by capo
expect saved unattended away:desk1
ask away on by op2 # the head has said so already
expect saved unattended away:desk1 away:op2
ask away off by op2
expect saved unattended away:desk1
ask unattended off by capo
expect saved away:desk1
ask away off by desk1
expect saved nothing
at 20:00:00
ask away on by op2
expect saved away:op2
