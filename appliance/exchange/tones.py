"""Call-progress tones, rendered once and played as loops (mu-law, 8 kHz)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.exchange.signals import ToneHeard
from appliance.exchange.sound import SAMPLE_RATE, Loop, samples, silence, sine

if TYPE_CHECKING:
    from appliance.exchange.country import Country, Tone
    from appliance.exchange.signals import Signal

REPORT_CYCLES = 3
REPEAT = samples(4000)
"""The chip names a tone after about three cycles and again every 4 s (v253.md 2.1, 9)."""

CONTINUOUS_REPORT_MS = 3000


@lru_cache(maxsize=64)
def cycle(tone: Tone) -> bytes:
    """Render one whole cadence of a tone; a continuous one as one second, which joins in phase."""
    each = tone.level_dbm0 - 10 * math.log10(len(tone.frequencies))
    parts = tuple((float(hz), each) for hz in tone.frequencies)
    if not tone.cadence:
        return sine(parts, SAMPLE_RATE)
    rendered = (
        sine(parts, samples(ms)) if index % 2 == 0 else silence(samples(ms))
        for index, ms in enumerate(tone.cadence)
    )
    return b"".join(rendered)


def loop(tone: Tone) -> Loop:
    """Play a tone from the start of its cadence."""
    return Loop(cycle(tone))


def report_after(tone: Tone) -> int:
    """Give the samples until the chip has recognised the tone."""
    return samples(REPORT_CYCLES * sum(tone.cadence) if tone.cadence else CONTINUOUS_REPORT_MS)


class Announced:
    """A tone playing on a line, named to the chip after first samples and every REPEAT."""

    def __init__(self, kind: str, tone: Tone, first: int = 0, repeat: int = REPEAT) -> None:
        self._kind = kind
        self._loop = loop(tone)
        self._due = first or report_after(tone)
        self._repeat = repeat

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples and what the chip makes of them."""
        self._due -= n
        if self._due > 0:
            return self._loop.take(n), []
        self._due += self._repeat
        return self._loop.take(n), [ToneHeard(self._kind)]


SIT_HZ = (950.0, 1400.0, 1800.0)
SIT_ON_MS, SIT_OFF_MS = 330, 1000
"""The special information tone of every country here (v253.md 5)."""
SIT_DBM0 = -15.0


@lru_cache(maxsize=1)
def information() -> bytes:
    """Render the special information tone: three rising tones and a pause."""
    tones = (sine(((hz, SIT_DBM0),), samples(SIT_ON_MS)) for hz in SIT_HZ)
    return b"".join(tones) + silence(samples(SIT_OFF_MS))


class Information:
    """The special information tone, over and over; the chips here do not name it (v253.md 1.4)."""

    def __init__(self) -> None:
        self._loop = Loop(information())

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples; there is no signal."""
        return self._loop.take(n), []


def prepare(country: Country) -> None:
    """Render every tone of a country beforehand, so that no tick has to."""
    kinds = (country.dial, country.ringback, country.busy, country.congestion)
    for tone in (*kinds, country.tone("busy200")):
        cycle(tone)
    information()
