"""SIP addresses: URIs, name-addr values, and the commas and semicolons between them.

Every function is linear in its input and never raises for what the LAN sends: a value that is no
address yields None or an empty one.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote

from appliance.phones.rtp import Address

DEFAULT_PORT = 5060
_URI = re.compile(
    r"(?:sips?):(?:([^@\s<>]*)@)?(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?(?:[;?][^\s<>]*)?",
    re.IGNORECASE,
)
_OPENING = {'"': '"', "<": ">"}


class Stream(tuple[str, int]):
    """The far end of a TCP connection: an Address that equals no UDP one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same end of the same connection."""
        return isinstance(other, Stream) and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Tell whether it is not: tuple has an answer of its own."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash that differs from a UDP address's."""
        return hash(("tcp", *self))


@dataclass(frozen=True, slots=True)
class Uri:
    """A SIP URI (RFC 3261 19.1): `user` unescaped and without password, `text` as it stood."""

    user: str
    host: str
    port: int
    text: str

    @property
    def address(self) -> Address | None:
        """Where to send, or None when the host is no IPv4 address (no DNS here, B4)."""
        try:
            host = str(ipaddress.IPv4Address(self.host))
        except ValueError:
            return None
        return (host, self.port) if 0 < self.port < 0x10000 else None


@dataclass(frozen=True, slots=True)
class NameAddress:
    """A From, To, Contact or Route value (RFC 3261 20.10): display name, URI, parameters."""

    display: str
    uri: str
    parameters: dict[str, str]

    @property
    def tag(self) -> str:
        """The tag, or "" for none."""
        return self.parameters.get("tag", "")


def read_uri(text: str) -> Uri | None:
    """Read a sip: or sips: URI; None for anything else (tel:, nonsense).

    The whole of it: what follows a blank would break the line in which we name a phone's Contact.
    """
    found = _URI.fullmatch(text)
    if found is None:
        return None
    user = unquote((found[1] or "").partition(":")[0].partition(";")[0])
    return Uri(user, found[2], int(found[3] or DEFAULT_PORT), text)


def read_name_address(value: str) -> NameAddress:
    """Read `"Name" <sip:...>;tag=x` or `sip:...;tag=x` (there the parameters are the header's)."""
    value = value.strip()
    display, rest = _display(value)
    start = rest.find("<")
    end = rest.find(">", start)
    if start < 0 or end < 0:
        uri, *parameters = split_outside(value, ";")
        return NameAddress("", uri, read_parameters(parameters))
    display = display or rest[:start].strip()
    _, *parameters = split_outside(rest[end + 1 :], ";") or [""]
    return NameAddress(display, rest[start + 1 : end].strip(), read_parameters(parameters))


def _display(value: str) -> tuple[str, str]:
    """Part a quoted display name from what follows it."""
    if not value.startswith('"'):
        return "", value
    end = _closing(value, 0)
    return value[1:end].replace('\\"', '"').replace("\\\\", "\\"), value[end + 1 :]


def read_parameters(parts: list[str]) -> dict[str, str]:
    """Read `name=value` and bare `name` (value ""); names are lower case, the first one wins."""
    parameters: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        parameters.setdefault(name.strip().lower(), value.strip().strip('"'))
    return parameters


def split_outside(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands outside quotes and angle brackets; parts stripped."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] in _OPENING:
            at = _closing(text, at)
        elif text[at] == separator:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    return [*parts, text[start:].strip()]


def _closing(text: str, at: int) -> int:
    """Return where the quote or bracket opened at `at` closes; the text's end if never."""
    closing = _OPENING[text[at]]
    at += 1
    while at < len(text) and text[at] != closing:
        at += 2 if text[at] == "\\" and closing == '"' else 1
    return min(at, len(text))


def quoted_display(text: str, limit: int = 64) -> str:
    """Return `text` as a display name on a phone's screen: nothing in it can end the quotes."""
    clean = "".join(c for c in text if c.isprintable() and c not in '"\\<>')
    return f'"{clean[:limit]}"'
