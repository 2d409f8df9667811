"""At which mail server, and as whom, the box sends."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Security(enum.StrEnum):
    """How the connection is protected; there is no falling back from one to another."""

    STARTTLS = "starttls"  # RFC 3207
    TLS = "tls"  # RFC 8314, 3.3: TLS from the first byte
    NONE = "none"


PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
"""Where a server listens, unless the configuration says otherwise (RFC 6409, RFC 8314)."""


@dataclass(frozen=True, slots=True)
class Account:
    """The mail server and the box's account there. `sender` is an address, or "Name <address>".

    `password_file` is read at every connection: a new password needs no restart. `ca_file` holds
    the certificates of a house's own authority, "" for the system's.
    """

    server: str
    sender: str
    security: Security = Security.STARTTLS
    port: int = 0
    user: str = ""
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    timeout_s: float = 30.0

    @property
    def where(self) -> str:
        """Name the server as people read it."""
        return f"{self.server}:{self.port or PORTS[self.security]}"
