"""E-mail out of the outbox: how a notice is written, how a mail server is spoken to, whose turn."""
