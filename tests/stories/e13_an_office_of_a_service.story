# E13: an office without a declaration of its own uses its Service's, its bands and its variations; with none at all: e-mail
office offices
at 2026-11-25 10:00:00
line1 rings
expect ring op1 op2
line1 caller 051234567
op1 answers
expect answer line1
expect connect line1 op1
expect stop op2 elsewhere
line1 answered
command by op1: to anziani assistenza because topic
expect play line1 connecting
expect play op1 tone/ringback
expect dial line3 to anziani.assistenza.1 for 40 s
expect line1 shows Squilla: Ufficio anziani (op1)
expect record unit=anziani declaration=4
line1 prompt ends
expect hold line1
op1 presses *
expect hang up line3
expect connect line1 op1
line3 idle
sociali varies today to 11-12 # the Service's own variation binds its office, too
command by op1: to anziani assistenza because topic
expect said Ufficio anziani: riprende oggi alle 11:00. E-mail?
command by op1: to demografici residenza because topic # its office has declared, the Service has not
expect said Servizi demografici: non ha ancora una comunicazione. E-mail?
command by op1: to scuola mensa because other
expect said Servizi scolastici: non ha ancora una comunicazione. E-mail?
expect nothing
op1 keys **# # the rule of the office spoken of last
expect hold line1
expect play op1 word_email digit_2 without word_appointment
op1 presses 2
expect hang up op1
expect play line1 leave_message
line1 prompt ends
expect play line1 tone_record
line1 prompt ends
expect recording line1
line1 recording ends by key length 8000 ms
expect request line1 for scuola mensa email
request 7 stored line1
expect play line1 word_request digit_7 message_stored
line1 prompt ends
expect hang up line1
line1 idle
expect record result=answered
expect trail line1 transfer_refused.scuola.mensa.no_declaration request.scuola.mensa.email
