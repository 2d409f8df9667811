"""The mail server as configured, checked: each mistake in a sentence."""

from __future__ import annotations

from appliance.daemon.mistakes import Mistake, Mistakes
from appliance.daemon.settings import Mail
from appliance.errors import OfficeError
from appliance.mail.account import Security
from appliance.mail.compose import address_in, is_address

LAST_PORT = 65535


def check_mail(mail: Mail, mistakes: Mistakes) -> None:
    """Note what is wrong; a `head` alone is right: his notices wait until there is a server."""

    def note(key: str, text: str) -> None:
        mistakes.found.append(Mistake(f"mail.{key}", text))

    mistakes.choice("mail.security", mail.security, tuple(Security))
    if not 0 <= mail.port <= LAST_PORT:
        note("port", f"{mail.port} is no port: leave it out for the usual one")
    if mail.head and not is_address(mail.head):
        note("head", f"{mail.head!r} is no mail address")
    if mail.server or mail.sender:
        try:
            address_in(mail.sender)
        except OfficeError as error:
            note("sender", str(error))
    if bool(mail.user) != bool(mail.password_file):
        note("user", "a user needs its password_file, and a password_file its user")
    if mail.user and mail.security == Security.NONE:
        note("security", "a password is not sent in the clear: use starttls or tls")
