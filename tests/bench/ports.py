"""What the exchange's modems saw, byte by byte with times: the file that `--capture` writes."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

HOST, MODEM = "host", "modem"
REACH = 0.5
"""Seconds within which a stretch of sound must have passed."""


@dataclass(slots=True)
class Side:
    """All bytes of one side of a line: the stream, and when each piece of it passed."""

    data: bytearray = field(default_factory=bytearray)
    times: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def add(self, at: float, piece: bytes) -> None:
        """Append a piece."""
        self.times.append(at)
        self.places.append(len(self.data))
        self.data += piece

    def when(self, words: Iterable[bytes]) -> list[float]:
        """Return the times of all pieces that hold one of some words."""
        wanted = tuple(words)
        return [at for at, piece in self.pieces() if any(word in piece for word in wanted)]

    def pieces(self) -> Iterable[tuple[float, bytes]]:
        """Yield every piece with its time."""
        ends = [*self.places[1:], len(self.data)]
        for at, begin, end in zip(self.times, self.places, ends, strict=True):
            yield at, bytes(self.data[begin:end])

    def passed(self, sound: bytes, begin: float, end: float) -> float | None:
        """Return when the first byte of `sound` passed, somewhen from `begin` to `end`."""
        first, last = bisect.bisect_left(self.times, begin), bisect.bisect_right(self.times, end)
        if first >= last:
            return None
        stop = self.places[last] if last < len(self.places) else len(self.data)
        found = self.data.find(sound, self.places[first], stop)
        return None if found < 0 else self.times[bisect.bisect_right(self.places, found) - 1]


Ports = dict[tuple[str, str], Side]
"""By line ("line1") and side (HOST wrote it, or MODEM)."""


def read(path: Path) -> Ports:
    """Read a capture; a last line that was cut is passed over."""
    ports: Ports = {}
    for line in path.read_text(encoding="ascii").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        side = ports.setdefault((f"line{entry['line']}", entry["from"]), Side())
        side.add(entry["t"], bytes.fromhex(entry["hex"]))
    return ports


def side(ports: Ports, line: str, who: str) -> Side:
    """Return a side, an empty one when nothing passed."""
    return ports.get((line, who), Side())


def first_after(times: list[float], at: float) -> float | None:
    """Return the first of sorted times not before a moment."""
    index = bisect.bisect_left(times, at)
    return times[index] if index < len(times) else None


def last_before(times: list[float], at: float) -> float | None:
    """Return the last of sorted times not after a moment."""
    index = bisect.bisect_right(times, at)
    return times[index - 1] if index else None
