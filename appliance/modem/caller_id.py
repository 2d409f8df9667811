"""Caller id of one call: decoded from modem output, settled once while it rings (v253.md 3).

Modems print formatted lines, class 8 reports or raw hex. The far end chooses these bytes: only
digits, or a name of letters and a few marks, pass. A file of its own because the fuzzer feeds it
alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.calls.events import Caller, Presentation
from appliance.modem.events import Identified, RingReceived
from appliance.modem.v253 import CallerIdReceived

if TYPE_CHECKING:
    from collections.abc import Iterator

# The 15 digits of E.164 and room for prefixes.
NUMBER_LIMIT = 24
"""Most digits of a number."""
NAME_LIMIT = 40
"""Most characters of a name."""

# A Conexant prints "NMBR = 0207", a USRobotics "NMBR=07" (v253.md 3).
_FIELD = re.compile(r"^\s*(NMBR|NAME|MESG|DATE|TIME)\s*=\s*(.*?)\s*$", re.IGNORECASE)
_HEX = re.compile(r"^(?:[0-9A-F]{2})+$", re.IGNORECASE)
_WITHHELD = {"P", "PRIVATE", "WITHHELD", "ANONYMOUS"}
_ABSENT = {"O", "OUT OF AREA", "UNAVAILABLE"}
_NUMBER_MARKS = str.maketrans("", "", " -./()")
_NAME_MARKS = frozenset(" .,'-&/")

# Message and tag numbers of EN 300 659-3 (v253.md 3, FSK layer).
_HEADER_BYTES = 2  # type and length
_SDMF = 0x04
_MDMF = 0x80
_SDMF_DATE_BYTES = 8
_HALVES = {"DATE": 4, "TIME": 4, "WHEN": 8}
"""Fields of the exchange's time, with their number of digits."""
_TAGS = {0x01: "WHEN", 0x02: "NMBR", 0x04: "NMBR", 0x07: "NAME", 0x08: "NAME"}


class CallerIdReader:
    """Collects the fields of one call's identity, in any order, repeated or with parts missing.

    `caller` is None until a number, or the reason for its absence, has arrived; a later absence
    never replaces a number. `complete` is True once a name has arrived. `dated` is the exchange's
    time, "MMDDHHMM", or "".
    """

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self.complete = False
        self._name = ""
        self._date = self._time = ""

    @property
    def dated(self) -> str:
        """The exchange's time "MMDDHHMM", "" until both halves have arrived."""
        return self._date + self._time if self._date and self._time else ""

    def take_date(self, dated: str) -> None:
        """Set the exchange's time from a value of `dated`."""
        self._date, self._time = dated[:4], dated[4:]

    def add(self, text: str) -> None:
        """Read one line, or a report of several lines; unknown fields are ignored."""
        for key, value in fields_of(text):
            if key in _HALVES:
                self._dated(key, value)
            elif key == "NAME":
                self._name = clean_name(value)
                self.complete = True
            else:
                self._settle(presented(value))
        if self.caller and self.caller.presentation is Presentation.SHOWN:
            self.caller = Caller(Presentation.SHOWN, self.caller.number, self._name)

    def _dated(self, key: str, value: str) -> None:
        """Keep a date, a time, or both."""
        # Digits only; whether that date exists is checked by policy.
        if not (value.isascii() and value.isdigit() and len(value) == _HALVES[key]):
            return
        if key != "TIME":
            self._date = value[:4]
        if key != "DATE":
            self._time = value[-4:]

    def _settle(self, caller: Caller) -> None:
        known = self.caller.presentation if self.caller else None
        # Fields may be repeated, in any order: a number is never replaced, and UNKNOWN replaces
        # nothing.
        if known is None or (
            known is not Presentation.SHOWN and caller.presentation is not Presentation.UNKNOWN
        ):
            self.caller = caller


def fields_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield fields and values of formatted lines, MESG= or raw hex.

    Fields are NMBR, NAME, DATE, TIME, and WHEN for the last two together.
    """
    for line in text.splitlines():
        match = _FIELD.match(line)
        key, value = (match[1].upper(), match[2]) if match else ("MESG", line.strip())
        if key == "MESG":
            yield from _message(value)
        else:
            yield key, value


def presented(value: str) -> Caller:
    """Return the caller of a NMBR value: digits, P (withheld), O (not available); else UNKNOWN."""
    if value.upper() in _WITHHELD:
        return Caller(Presentation.WITHHELD)
    if value.upper() in _ABSENT:
        return Caller(Presentation.UNAVAILABLE)
    # One form for foreign numbers: 00 in place of + (v253.md 3, number form in Italy).
    number = re.sub(r"^\+", "00", value.translate(_NUMBER_MARKS))
    if number.isascii() and number.isdigit() and len(number) <= NUMBER_LIMIT:
        return Caller(Presentation.SHOWN, number)
    return Caller()


def clean_name(value: str) -> str:
    """Return the letters, digits and allowed marks of a name; "" for P and O."""
    if value.upper() in _WITHHELD | _ABSENT:
        return ""
    kept = "".join(c if c.isalnum() or c in _NAME_MARKS else " " for c in value)
    return " ".join(kept.split())[:NAME_LIMIT].rstrip()


def _message(value: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of an FSK message: type, length, data, two's-complement checksum."""
    raw = bytes.fromhex(value) if _HEX.match(value) else b""
    if len(raw) < _HEADER_BYTES:
        return
    kind, length = raw[0], raw[1]
    data, check = raw[2 : 2 + length], raw[2 + length :]
    # Modems may omit the checksum. A wrong one yields nothing: no number is better than a wrong
    # one. A lone parameter (MESG of an unknown tag) is ignored as well.
    if len(data) != length or (check and sum(raw) % 256):
        return
    if kind == _SDMF:
        yield "WHEN", data[:_SDMF_DATE_BYTES].decode("latin-1")
        yield "NMBR", data[_SDMF_DATE_BYTES:].decode("latin-1")
    elif kind == _MDMF:
        yield from _parameters(data)


def _parameters(data: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at + 2 <= len(data):
        tag, length = data[at], data[at + 1]
        value = data[at + 2 : at + 2 + length]
        if tag in _TAGS and len(value) == length:
            yield _TAGS[tag], value.decode("latin-1")
        at += 2 + length


# The exchange may send the identity before the first ring or after it (v253.md 3).
FRESH_S = 10.0
"""Seconds for which an identity sent before the first ring is kept."""


class RingSequence:
    """Rings of one call, and the caller's identity, settled once by its arrival or its limit.

    `since` and `latest` are the times of the first and the last ring, in monotonic seconds.
    """

    def __init__(self) -> None:
        self.count = 0
        self.since = self.latest = 0.0
        self._identity = CallerIdReader()
        self._identity_at = 0.0
        self._told: Caller | None = None

    def on_ring(self, now: float) -> None:
        """Count a ring at `now` (monotonic s)."""
        if self.count == 0:
            self.since = now
            # An identity that old is not this call's.
            if now - self._identity_at > FRESH_S:
                self._identity = CallerIdReader()
        self.count += 1
        self.latest = now

    @classmethod
    def found(cls, caller: Caller, dated: str, at: float) -> RingSequence:
        """Return a ringing that began before this process; last ring at `at` (monotonic s)."""
        ringing = cls()
        ringing.count, ringing.since, ringing.latest = 1, at, at
        ringing._told = ringing._identity.caller = caller
        ringing._identity.take_date(dated)
        return ringing

    def on_caller_id(self, event: CallerIdReceived, now: float) -> None:
        """Read a line or a report of caller id."""
        self._identity.add(event.text)
        self._identity_at = now

    @property
    def news(self) -> bool:
        """True when an identity has arrived that was not reported yet."""
        caller = self._identity.caller
        arrived = caller is not None and caller.presentation is not Presentation.UNKNOWN
        return arrived and caller != self._told

    @property
    def unsettled(self) -> bool:
        """True until an identity was reported."""
        return self._told is None

    @property
    def complete(self) -> bool:
        """True once a name has arrived: nothing more is to be expected."""
        return self._identity.complete

    def told(self) -> tuple[RingReceived, ...]:
        """Return the events reported of this ringing, to be reported again."""
        if self.count == 0:
            return ()
        known = None if self._told is None else Identified(self._told, dated=self._identity.dated)
        return (RingReceived(self.count, known),)

    def settle(self, *, late: bool = False) -> Identified:
        """Settle and return the identity; UNKNOWN when none has arrived."""
        self._told = self._identity.caller or Caller()
        return Identified(self._told, late, self._identity.dated)
