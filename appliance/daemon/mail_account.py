"""The mail server of the configuration as the mail room takes it."""

from __future__ import annotations

from appliance.config.mistakes import MAIL_PASSWORD, secret_file
from appliance.config.schema import Mail
from appliance.mail.letter import address_in
from appliance.mail.smtp import Account, Security


def account_of(mail: Mail) -> Account | None:
    """Return the account at the mail server, None where none is configured."""
    if not mail.server:
        return None
    return Account(
        mail.server,
        mail.sender,
        Security(mail.security),
        mail.port,
        mail.user,
        secret_file(mail.password_file, MAIL_PASSWORD) if mail.user else "",
        mail.ca_file,
    )


def domain_of(mail: Mail) -> str:
    """Return the domain of the sender, for Message-IDs; "" where there is none."""
    return address_in(mail.sender).rpartition("@")[2] if mail.sender else ""
