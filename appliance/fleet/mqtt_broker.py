"""At which broker, and as whom, the box publishes; and what a broker may say against it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.errors import CentralinoError
from appliance.policy.text import Words


class Security(enum.StrEnum):
    """How the connection is protected; there is no falling back from one to another."""

    TLS = "tls"
    NONE = "none"


PORTS: Final = {Security.TLS: 8883, Security.NONE: 1883}
"""Where a broker listens, unless the configuration says otherwise (IANA)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that each step may take: TCP and TLS, the broker's hello, one confirmation."""

    connect_s: float = 10.0
    hello_s: float = 15.0
    confirm_s: float = 30.0
    keepalive_s: int = 60


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker and the box's account there; `name` tells one box from another.

    `password_file` is read at every connection. `ca_file` holds the certificates of a house's own
    authority, "" for the system's; `certificate` and `key` are the box's own, "" for none.
    """

    server: str
    name: str
    security: Security = Security.TLS
    port: int = 0
    user: str = ""
    password_file: str = field(default="", repr=False)
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    limits: Limits = Limits()

    @property
    def where(self) -> str:
        """Name the broker as people read it."""
        return f"{self.server}:{self.port or PORTS[self.security]}"


class BrokerError(CentralinoError):
    """Raised when the broker cannot be used; `misset` where waiting mends nothing."""

    def __init__(self, words: Words, *, misset: bool = False) -> None:
        super().__init__(words.en)
        self.words = words
        self.misset = misset


NO_HELLO: Final = Words(
    "accetta il collegamento e poi tace: riavviarlo",
    "takes the connection and then says nothing: restart it",
)
NO_CONFIRMATION: Final = Words(
    "non conferma ciò che riceve: riavviarlo", "does not confirm what it is sent: restart it"
)
NO_MQTT: Final = Words(
    "non parla MQTT 5: controllare indirizzo e porta, o aggiornarlo",
    "does not speak MQTT 5: look at address and port, or update it",
)
TOO_MUCH: Final = Words(
    "manda ciò che nessuno ha chiesto: controllare indirizzo e porta",
    "sends what nobody has asked for: look at address and port",
)
LOST: Final = Words(
    "ha chiuso il collegamento: guardare il suo registro", "has closed the connection: see its log"
)
NO_RETAIN: Final = Words(
    "non conserva messaggi (retain): abilitarlo nella sua configurazione",
    "keeps no retained messages: enable them in its configuration",
)
NO_QOS: Final = Words(
    "non conferma messaggi (QoS 1): abilitarlo nella sua configurazione",
    "takes no confirmed messages (QoS 1): enable them in its configuration",
)
STRANGER: Final = Words(
    "ha un certificato di un'autorità sconosciuta o per un altro nome ({}): indicare in "
    "mqtt.ca_file la sua autorità, in mqtt.server il nome del certificato",
    "has a certificate of an unknown authority or for another name ({}): name its authority in "
    "mqtt.ca_file, in mqtt.server the name of the certificate",
)
NO_TLS: Final = Words(
    "non accetta TLS come configurato ({}): controllare porta, mqtt.certificate e mqtt.key",
    "does not take TLS as configured ({}): look at the port, mqtt.certificate and mqtt.key",
)
OPEN_FILE: Final = Words(
    "chiede una password, ma tutti possono leggere il file {}: togliere il permesso con chmod o=",
    "wants a password, but everybody may read the file {}: take that away with chmod o=",
)
SAYS: Final[Mapping[int, Words]] = {
    0x84: NO_MQTT,
    0x86: Words(
        "non accetta utente o password: controllare mqtt.user e mqtt.password_file",
        "refuses user or password: look at mqtt.user and mqtt.password_file",
    ),
    0x87: Words(
        "non autorizza questo apparecchio: controllare mqtt.user, la password e, nel broker, le "
        "regole (ACL) per mqtt.prefix",
        "does not authorise this box: look at mqtt.user, the password, and the rules (ACL) of the "
        "broker for mqtt.prefix",
    ),
    0x8E: Words(
        "dice che un altro apparecchio usa lo stesso prefisso: ognuno ha il suo mqtt.prefix",
        "says that another box uses the same prefix: each has its own mqtt.prefix",
    ),
}
"""By the reason code (MQTT 5, 2.4)."""
PASSES: Final = frozenset({0x88, 0x89, 0x8B, 0x97, 0x9F})
"""Unavailable, busy, shutting down, quota, rate: the broker's own affair, which passes."""


def refusal(code: int, name: str) -> BrokerError:
    """Say what a reason code (0x80 and above) means for the box."""
    it, en = f"rifiuta ({name}): guardare il suo registro", f"refuses ({name}): see its log"
    return BrokerError(SAYS.get(code) or Words(it, en), misset=code not in PASSES)


def filled(words: Words, why: str) -> Words:
    """Put a reason into a sentence."""
    return Words(words.it.format(why), words.en.format(why))
