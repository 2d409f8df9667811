"""DTMF generator (ITU-T Q.23): digits as mu-law sound, high group -9 dBm0, low group -11 dBm0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from appliance.errors import ConfigurationError
from appliance.exchange.sound import samples, silence, sine

ROWS = (697.0, 770.0, 852.0, 941.0)
COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
PAIRS = {
    key: (ROWS[row], COLUMNS[column])
    for row, keys in enumerate(KEYS)
    for column, key in enumerate(keys)
}
LOW_DBM0, HIGH_DBM0 = -11.0, -9.0
ON_MS, OFF_MS = 80, 80


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of sound; `digit` names the key when it is a DTMF burst."""

    sound: bytes
    digit: str = ""


@lru_cache(maxsize=64)
def burst(digit: str, on_ms: int = ON_MS) -> bytes:
    """Render one key for on_ms."""
    low, high = PAIRS[digit]
    return sine(((low, LOW_DBM0), (high, HIGH_DBM0)), samples(on_ms))


def check(digits: str) -> str:
    """Give the digits back in capitals; raises ConfigurationError for a key no telephone has."""
    upper = digits.upper()
    wrong = sorted(set(upper) - set(PAIRS) - {","})
    if wrong:
        raise ConfigurationError(f"digits {digits!r} hold {''.join(wrong)!r}: use 0-9 A-D * #")
    return upper


def segments(digits: str, on_ms: int = ON_MS, off_ms: int = OFF_MS) -> list[Segment]:
    """Render a row of keys, each followed by its pause; a comma is a second's pause."""
    rendered: list[Segment] = []
    for digit in check(digits):
        if digit == ",":
            rendered.append(Segment(silence(samples(1000))))
            continue
        rendered += [Segment(burst(digit, on_ms), digit), Segment(silence(samples(off_ms)))]
    return rendered
