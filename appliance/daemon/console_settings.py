"""Whether what `[console]` says can be: ports, names, the office's own certificate."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.policy.requests import PATH
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from appliance.daemon.mistakes import Mistakes
    from appliance.daemon.settings import Console, Settings

_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z"
)
"""A host name (RFC 1123, 2.1)."""
LAST_PORT = 65_535
USUAL_PORT = 443
"""An address by TLS need not name it."""


def door_of(console: Console) -> str:
    """Return where a mail's link closes a request; "" without a console or a name to find it by."""
    return address_of(console, PATH)


def messages_page(console: Console) -> str:
    """Return the address of the page of messages; "" without a console or a name to find it by."""
    return address_of(console, "/messages")


def address_of(console: Console, path: str) -> str:
    """Return the address of a page; "" without a console or a name to find it by."""
    if not (console.enabled and console.names):
        return ""
    port = "" if console.port == USUAL_PORT else f":{console.port}"
    return f"https://{console.names[0]}{port}{path}"


def tcp_rival(settings: Settings) -> str:
    """Name the key whose TCP port is the phones', "" for none: what was there first keeps it."""
    console, metrics = settings.console, settings.metrics
    ports = {"metrics.port": metrics.port if metrics.listen else 0}
    if console.enabled:
        ports |= {"console.port": console.port, "console.redirect_port": console.redirect_port}
    taken = (key for key, port in ports.items() if port == settings.sip.port)
    return next(taken, "") if settings.sip.tcp else ""


def check(console: Console, mistakes: Mistakes) -> None:
    """Note what is wrong in the table."""
    mistakes.check("console.listen", _address, console.listen)
    check_port("console.port", console.port, 1, mistakes)
    check_port("console.redirect_port", console.redirect_port, 0, mistakes)
    for name in console.names:
        mistakes.check("console.names", _host_name, name)
    if bool(console.certificate) != bool(console.key):
        place = "console.key" if console.certificate else "console.certificate"
        mistakes.note(
            place,
            "manca: al certificato serve la sua chiave, e alla chiave il suo certificato",
            "is missing: a certificate needs its key, and a key its certificate",
        )
    for place, file in (("certificate", console.certificate), ("key", console.key)):
        if file:
            mistakes.check(f"console.{place}", _file, file)


def check_port(place: str, port: int, least: int, mistakes: Mistakes) -> None:
    """Note a number that is no port."""
    if not least <= port <= LAST_PORT:
        mistakes.note(
            place,
            f"{port} non è una porta: da {least} a {LAST_PORT}",
            f"{port} is no port: {least} to {LAST_PORT}",
        )


def _address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise Refused(
            f'{text!r} non è un indirizzo: "0.0.0.0" sono tutti',
            f'{text!r} is no address: "0.0.0.0" is every one',
        ) from error


def _host_name(text: str) -> None:
    if not _NAME.match(text):
        raise Refused(
            f'{text!r} non è un nome di rete: scrivere ad esempio "centralino.local"',
            f'{text!r} is no host name; write e.g. "centralino.local"',
        )


def _file(text: str) -> None:
    if not Path(text).is_absolute():
        raise Refused(
            f"{text!r} va scritto come percorso intero, che comincia con /",
            f"{text!r} must be a whole path, beginning with /",
        )
