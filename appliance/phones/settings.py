"""What the desk tells the phones' room once: where to listen, whom to expect."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Network

from appliance.dsp.wav import Law
from appliance.errors import ConfigurationError
from appliance.phones.rtp import Address
from appliance.phones.uri import DEFAULT_PORT


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """One phone: it registers with `secret`, or is found at its `fixed_address`, or both."""

    name: str
    secret: str | None = None
    fixed_address: Address | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class RegistrarAccount:
    """The box's own account at a telephone system or proxy, where phones of the office stand.

    `branches` are accounts there to which callers may be handed over; `takes` says that callers of
    others are taken over.
    """

    address: Address
    user: str
    secret: str = ""
    branches: tuple[str, ...] = ()
    takes: bool = False


@dataclass(frozen=True, slots=True)
class PhonesSettings:
    """Where the box listens for SIP and which phones it knows.

    `address` is an IPv4 address of the box, "0.0.0.0" for all of them; `port` 0 takes any free
    one. `laws` is the preferred order of codings. `algorithms` are the digests offered, in order:
    phones that know MD5 alone give up at the sight of another one, so SHA-256 is by choice.
    `qualify_s` is how often each phone is asked whether it is there, 0 for never. `allowed` are the
    networks from which SIP is heard, () for every address. `messages_code` is what a phone dials to
    hear the messages, "" for nothing. `tcp` says that phones may come over TCP at the same port.
    """

    address: str
    port: int = DEFAULT_PORT
    accounts: tuple[PhoneAccount, ...] = ()
    realm: str = "centralino"
    laws: tuple[Law, ...] = (Law.ALAW, Law.ULAW)
    algorithms: tuple[str, ...] = ("MD5",)
    registration_s: int = 120
    qualify_s: float = 30.0
    allowed: tuple[IPv4Network, ...] = ()
    registrar: RegistrarAccount | None = None
    messages_code: str = ""
    tcp: bool = True


def address_of(text: str) -> Address:
    """Read "192.168.1.21" or "192.168.1.21:5060"; raises ConfigurationError."""
    host, _, port = text.partition(":")
    try:
        known = str(ipaddress.IPv4Address(host.strip()))
        number = int(port) if port else DEFAULT_PORT
        if not 0 < number < 0x10000:
            raise ValueError("no port")
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is no phone's address: write 192.168.1.21 or 192.168.1.21:5060"
        ) from error
    return known, number


def network_of(text: str) -> IPv4Network:
    """Read "192.168.1.0/24" or one address; raises ConfigurationError."""
    try:
        return IPv4Network(text.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} is no network: write 192.168.1.0/24, or 192.168.1.21 for one address"
        ) from error
