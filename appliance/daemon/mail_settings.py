"""The mail server as configured, checked: each mistake in a sentence."""

from __future__ import annotations

from appliance.daemon.mistakes import Mistakes
from appliance.daemon.settings import Mail
from appliance.errors import OfficeError
from appliance.mail.letter import address_in, is_address
from appliance.mail.smtp import Security

LAST_PORT = 65_535


def check_mail(mail: Mail, mistakes: Mistakes) -> None:
    """Note what is wrong; a `head` alone is right: his notices wait until there is a server."""
    mistakes.choice("mail.security", mail.security, tuple(Security))
    if not 0 <= mail.port <= LAST_PORT:
        mistakes.note(
            "mail.port",
            f"{mail.port} non è una porta: per quella consueta toglierla",
            f"{mail.port} is no port: leave it out for the usual one",
        )
    if mail.head and not is_address(mail.head):
        mistakes.note(
            "mail.head",
            f"{mail.head!r} non è un indirizzo e-mail",
            f"{mail.head!r} is no mail address",
        )
    if mail.server or mail.sender:
        try:
            address_in(mail.sender)
        except OfficeError as error:
            it = f'{mail.sender!r} non è un indirizzo e-mail: scrivere "a@b.it" o "Nome <a@b.it>"'
            mistakes.note("mail.sender", it, str(error))
    if bool(mail.user) != bool(mail.password_file):
        mistakes.note(
            "mail.user",
            "a un utente serve il suo password_file, e a un password_file il suo utente",
            "a user needs its password_file, and a password_file its user",
        )
    if mail.user and mail.security == Security.NONE:
        mistakes.note(
            "mail.security",
            "una password non si manda in chiaro: usare starttls o tls",
            "a password is not sent in the clear: use starttls or tls",
        )
