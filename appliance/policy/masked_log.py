"""Numbers taken out of the journal before a technician carries it away (P7).

Every run of digits that may be a telephone number goes, however its digits are grouped: what else
goes with them (the number of a call, a count of bytes) costs a technician little, a number that
stays costs a citizen much. Times at the beginning of a line and IPv4 addresses stay.
"""

from __future__ import annotations

import re
from typing import Final

from appliance.policy.secret import MASK

SHORTEST: Final = 5
"""No outside number has fewer digits."""
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:?\d\d ")
"""How journalctl's short-iso begins a line."""
_KEPT_OR_RUN: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"
    r"|\+?\d(?:[ .\-/()]{0,2}\d){" + str(SHORTEST - 1) + r",}"
)
_MAIL: Final = re.compile(r"[^\s<>@\"']+@[^\s<>@\"',;:]+")
_ADDRESS: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")


def masked(text: str) -> str:
    """Return a journal's text with a mask for whatever may be a number."""
    return "\n".join(_line(line) for line in text.split("\n"))


def without_addresses(text: str) -> str:
    """Return what a mail server said with a mask for each e-mail address: it may be undisclosed."""
    return _MAIL.sub(MASK, text)


def _line(line: str) -> str:
    stamp = _STAMP.match(line)
    begins = stamp.end() if stamp else 0
    return line[:begins] + _KEPT_OR_RUN.sub(_shown, line[begins:])


def _shown(found: re.Match[str]) -> str:
    return found[0] if _is_address(found[0]) else MASK


def _is_address(text: str) -> bool:
    """Tell a real IPv4 address from a number that is written with dots."""
    parts = text.split(".")
    return bool(_ADDRESS.fullmatch(text)) and all(int(part) <= 255 for part in parts)
