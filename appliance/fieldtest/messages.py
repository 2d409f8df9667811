"""What the suite's process tells whoever follows it, and is told: one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from appliance.errors import PeerError

DESCRIPTOR: Final = "CENTRALINO_FIELD_TEST"
"""The environment's name for the number of the socket."""
LONGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Collected:
    """These tests are going to be run, in this order; each takes about so long (s), 0: unknown."""

    tests: tuple[str, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Began:
    """A test begins, called so."""

    test: str
    it: str
    en: str


@dataclass(frozen=True, slots=True)
class Step:
    """Where the test is."""

    it: str
    en: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A test has ended: passed, failed, skipped; after so many seconds; why, a cause a line."""

    test: str
    outcome: str
    seconds: float
    it: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A person is asked to do something, or whether something is so; an Answer is waited for."""

    it: str
    en: str


Message = Collected | Began | Step | Ended | Asked
TYPES: Final = {kind.__name__: kind for kind in (Collected, Began, Step, Ended, Asked)}


def encode(message: Message) -> bytes:
    """Write a message as a line."""
    return json.dumps({"t": type(message).__name__, **asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read a message; raises PeerError for what is none."""
    try:
        fields = json.loads(line)
        kind = TYPES[fields.pop("t")]
        if kind is Collected:
            tests, seconds = fields["tests"], fields["seconds"]
            return Collected(tuple(map(str, tests)), tuple(map(float, seconds)))
        if kind is Ended:
            why = str(fields["it"]), str(fields["en"])
            seconds_taken = float(fields["seconds"])
            return Ended(str(fields["test"]), str(fields["outcome"]), seconds_taken, *why)
        return kind(**{name: str(text) for name, text in fields.items()})  # type: ignore[arg-type]  # the rest are texts
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PeerError(f"the suite said what is no message: {line[:80]!r}") from error


class Lines:
    """Cuts what comes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that are whole; raises PeerError for one without an end."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            raise PeerError("the suite said a line without an end")
        return whole

    def rest(self) -> list[bytes]:
        """Return a last line that came without its end, if one did."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []
