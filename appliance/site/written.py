"""What may stand in the card's file: the configuration's tables, network, keys, passwords.

Nothing is required: a box that is told nothing answers its lines as a closed office. An entry with
nothing between its quotes counts as one that is not there, so that the delivered file can be filled
in as a form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.daemon import settings
from appliance.daemon.values import Hidden, Hours, MonthDay
from appliance.policy.hours import Week

NO_PATRON = MonthDay(1, 1)
"""A holiday in any case: stands for a patron saint's day that nobody has written."""
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - every address of the box, as phones find it
DHCP = "dhcp"


@dataclass(frozen=True, slots=True)
class Network:
    """The box on the office's network. `address` is "dhcp" or "192.168.1.10/24"; `dns` and `ntp`
    are asked beside what DHCP tells.
    """

    hostname: str = ""
    address: str = DHCP
    gateway: str = ""
    dns: tuple[str, ...] = ()
    ntp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ssh:
    """Who may log in for maintenance: lines of a `.pub` file; () for nobody."""

    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encryption:
    """Where the data partition's key is kept; "" where it is not encrypted (site/encryption.py)."""

    key: str = ""


@dataclass(frozen=True, slots=True)
class Site(settings.Site):
    """As configured, nothing of it required."""

    name: str = ""
    patron: MonthDay = NO_PATRON


@dataclass(frozen=True, slots=True)
class Line(settings.Line):
    """As configured; without a `port` it is the next modem that no other line names."""

    name: str = ""
    port: str = ""


@dataclass(frozen=True, slots=True)
class Phone(settings.Phone):
    """As configured, with its password; "" for one that the box makes."""

    secret: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class Mail(settings.Mail):
    """As configured, with the password itself."""

    password: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class Mqtt(settings.Mqtt):
    """As configured, with the password itself."""

    password: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class Central(settings.Central):
    """As configured, with the passphrase itself."""

    passphrase: Hidden = Hidden("")


@dataclass(frozen=True, slots=True)
class Sip(settings.Sip):
    """As configured, at every address of the box where none is named."""

    address: str = EVERY_ADDRESS


@dataclass(frozen=True, slots=True)
class Written(settings.Settings):
    """The whole file."""

    site: Site = Site()
    hours: Hours = Hours(Week(((),) * 7))
    sip: Sip = Sip()
    lines: tuple[Line, ...] = ()
    phones: tuple[Phone, ...] = ()
    mail: Mail = Mail()
    mqtt: Mqtt = Mqtt()
    central: Central = Central()
    network: Network = Network()
    ssh: Ssh = Ssh()
    encryption: Encryption = Encryption()


def filled_in(value: Any) -> Any:
    """Return data without entries that have nothing between their quotes; arrays keep places."""
    if isinstance(value, dict):
        return {key: filled_in(one) for key, one in value.items() if one != ""}
    if isinstance(value, list):
        return [filled_in(one) for one in value]
    return value
