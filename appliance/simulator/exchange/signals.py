"""Signals of the line: what the modem's chip recognises, and the tones, keys and fax it is in."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import (
    SAMPLE_RATE,
    RepeatedSound,
    samples_of,
    silence_of,
    sine,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.simulator.exchange.audio import Segment, SentIdentity


# ---- signals -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RingRecognised:
    """One cadence of the bell was recognised; its first on and off time in ms."""

    on_ms: int
    off_ms: int


@dataclass(frozen=True, slots=True)
class IdentitySent:
    """The FSK message with the caller's identity has just ended."""

    caller: SentIdentity


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """The chip has recognised a call-progress tone: busy, dial or ringback."""

    kind: str


@dataclass(frozen=True, slots=True)
class FaxToneHeard:
    """The chip has recognised one burst of a fax machine's calling tone."""


@dataclass(frozen=True, slots=True)
class KeyBegan:
    """The chip has recognised the start of a DTMF digit, or that it is still held."""

    digit: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class KeyEnded:
    """The DTMF digit has ended."""


@dataclass(frozen=True, slots=True)
class LoopBroke:
    """The line's current was interrupted."""


@dataclass(frozen=True, slots=True)
class ExtensionMoved:
    """Another telephone on the same pair was lifted (up) or put down."""

    up: bool


@dataclass(frozen=True, slots=True)
class FarAnswered:
    """The party the modem called has answered."""


Signal = (
    RingRecognised
    | IdentitySent
    | ToneHeard
    | FaxToneHeard
    | KeyBegan
    | KeyEnded
    | LoopBroke
    | ExtensionMoved
    | FarAnswered
)


@dataclass(frozen=True, slots=True)
class DigitDialled:
    """The modem sent a DTMF digit of its own."""

    digit: str


@dataclass(frozen=True, slots=True)
class LoopFlashed:
    """The modem opened the loop for ms."""

    ms: int


ModemAct = DigitDialled | LoopFlashed


# ---- country -----------------------------------------------------------------------------------
# Ringing cadence and tones of each country, as data (v253.md section 5).

IdOrder = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Tone:
    """One call-progress tone: Hz, on/off cadence in ms (empty: continuous), level in dBm0."""

    frequencies: tuple[int, ...]
    cadence: tuple[int, ...] = ()
    level_dbm0: float = -12.0


@dataclass(frozen=True, slots=True)
class Country:
    """One country's signals; `ring` is the bell's on/off cadence in ms."""

    code: str
    ring: tuple[int, ...]
    dial: Tone
    ringback: Tone
    busy: Tone
    congestion: Tone
    gci: str
    caller_id: Literal["v23", "bell202"] = "v23"
    id_order: IdOrder = "after"
    flash_limit_ms: int = 300

    def tone(self, kind: str) -> Tone:
        """Give the tone of a release kind: busy, busy200, congestion or dial."""
        if kind == "busy200":
            return replace(self.busy, cadence=(200, 200))
        return {"dial": self.dial, "congestion": self.congestion}.get(kind, self.busy)


COUNTRIES = {
    country.code: country
    for country in (
        Country(
            "it",
            ring=(1000, 4000),
            dial=Tone((425,), (200, 200, 600, 1000)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (500, 500)),
            congestion=Tone((425,), (200, 200)),
            gci="59",
        ),
        Country(
            "de",
            ring=(1000, 4000),
            dial=Tone((425,)),
            ringback=Tone((425,), (1000, 4000)),
            busy=Tone((425,), (480, 480)),
            congestion=Tone((425,), (240, 240)),
            gci="42",
        ),
        Country(
            "fr",
            ring=(1500, 3500),
            dial=Tone((440,)),
            ringback=Tone((440,), (1500, 3500)),
            busy=Tone((440,), (500, 500)),
            congestion=Tone((440,), (250, 250)),
            gci="3D",
        ),
        Country(
            "gb",
            ring=(400, 200, 400, 2000),
            dial=Tone((350, 440)),
            ringback=Tone((400, 450), (400, 200, 400, 2000)),
            busy=Tone((400,), (375, 375)),
            congestion=Tone((400,), (400, 350, 225, 525)),
            gci="B4",
            id_order="before",
        ),
        Country(
            "us",
            ring=(2000, 4000),
            dial=Tone((350, 440), level_dbm0=-13.0),
            ringback=Tone((440, 480), (2000, 4000), -19.0),
            busy=Tone((480, 620), (500, 500), -24.0),
            congestion=Tone((480, 620), (250, 250), -24.0),
            gci="B5",
            caller_id="bell202",
            flash_limit_ms=1000,
        ),
    )
}


def country_named(code: str) -> Country:
    """Give a country by its two letters; raises ConfigurationError for one not known."""
    try:
        return COUNTRIES[code.lower()]
    except KeyError:
        known = ", ".join(COUNTRIES)
        raise ConfigurationError(f"country {code!r} is not known: use one of {known}") from None


# ---- tones -------------------------------------------------------------------------------------
# Call-progress tones, rendered once and played as loops (mu-law, 8 kHz).

REPORT_CYCLES = 3
# The chip names a tone after about three cycles and again every 4 s (v253.md 2.1, 9).
TONE_REPEAT = samples_of(4000)

CONTINUOUS_REPORT_MS = 3000


@lru_cache(maxsize=64)
def tone_cadence(tone: Tone) -> bytes:
    """Render one whole cadence of a tone; a continuous one as one second, which joins in phase."""
    each = tone.level_dbm0 - 10 * math.log10(len(tone.frequencies))
    parts = tuple((float(hz), each) for hz in tone.frequencies)
    if not tone.cadence:
        return sine(parts, SAMPLE_RATE)
    rendered = (
        sine(parts, samples_of(ms)) if index % 2 == 0 else silence_of(samples_of(ms))
        for index, ms in enumerate(tone.cadence)
    )
    return b"".join(rendered)


def tone_loop(tone: Tone) -> RepeatedSound:
    """Play a tone from the start of its cadence."""
    return RepeatedSound(tone_cadence(tone))


def report_after(tone: Tone) -> int:
    """Give the samples until the chip has recognised the tone."""
    return samples_of(REPORT_CYCLES * sum(tone.cadence) if tone.cadence else CONTINUOUS_REPORT_MS)


class ToneSource:
    """A tone playing on a line, named to the chip after first samples and every REPEAT."""

    def __init__(self, kind: str, tone: Tone, first: int = 0, repeat: int = TONE_REPEAT) -> None:
        self._kind = kind
        self._loop = tone_loop(tone)
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
# The special information tone of every country here (v253.md 5).
SIT_ON_MS, SIT_OFF_MS = 330, 1000
SIT_DBM0 = -15.0


@lru_cache(maxsize=1)
def information_tone() -> bytes:
    """Render the special information tone: three rising tones and a pause."""
    tones = (sine(((hz, SIT_DBM0),), samples_of(SIT_ON_MS)) for hz in SIT_HZ)
    return b"".join(tones) + silence_of(samples_of(SIT_OFF_MS))


class InformationSource:
    """The special information tone, over and over; the chips here do not name it (v253.md 1.4)."""

    def __init__(self) -> None:
        self._loop = RepeatedSound(information_tone())

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples; there is no signal."""
        return self._loop.take(n), []


def prepare(country: Country) -> None:
    """Render every tone of a country beforehand, so that no tick has to."""
    kinds = (country.dial, country.ringback, country.busy, country.congestion)
    for tone in (*kinds, country.tone("busy200")):
        tone_cadence(tone)
    information_tone()


# ---- speech ------------------------------------------------------------------------------------
# A caller's speech: a queue of clips, keys and pauses, cut to any tick.

KEY_RECOGNISED = samples_of(40)
# The chip names a key after 40 ms and again every 70 ms while it is held (v253.md 2.1).
KEY_REPEAT = samples_of(70)


def _key_signals(segment: Segment, begin: int, end: int) -> list[Signal]:
    """Give what the chip reports between two samples of a DTMF burst."""
    signals: list[Signal] = []
    at = KEY_RECOGNISED
    while at <= len(segment.sound):
        if begin < at <= end:
            signals.append(KeyBegan(segment.digit, again=at > KEY_RECOGNISED))
        at += KEY_REPEAT
    if end == len(segment.sound) >= KEY_RECOGNISED:
        signals.append(KeyEnded())
    return signals


class SpeechQueue:
    """A queue of segments; silence when it is empty."""

    def __init__(self) -> None:
        self._queue: deque[Segment] = deque()
        self._at = 0
        self.digits_sent = ""
        self.said = 0

    @property
    def finished(self) -> bool:
        """True when everything was said."""
        return not self._queue

    def add(self, segments: Iterable[Segment]) -> None:
        """Say these after what is still to be said."""
        self._queue.extend(segment for segment in segments if segment.sound)

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples and what the chip recognises in them."""
        parts: list[bytes] = []
        signals: list[Signal] = []
        while n and self._queue:
            piece = self._piece(n, signals)
            n -= len(piece)
            parts.append(piece)
        if n:
            parts.append(silence_of(n))
        return (parts[0] if len(parts) == 1 else b"".join(parts)), signals

    def _piece(self, n: int, signals: list[Signal]) -> bytes:
        segment = self._queue[0]
        begin, end = self._at, min(self._at + n, len(segment.sound))
        if segment.digit:
            signals += _key_signals(segment, begin, end)
        self._at = end
        self.said += end - begin
        if end == len(segment.sound):
            self._queue.popleft()
            self._at = 0
            self.digits_sent += segment.digit
        return segment.sound[begin:end]


# ---- fax ---------------------------------------------------------------------------------------
# A fax machine as a caller: 1100 Hz for half a second every three and a half (ITU-T T.30, CNG).

FAX_HZ, FAX_DBM0 = 1100.0, -13.0
FAX_ON_MS, FAX_OFF_MS = 500, 3000
FAX_PERIOD = samples_of(FAX_ON_MS + FAX_OFF_MS)
FAX_RECOGNISED = samples_of(400)
"""The chip names a burst once it has lasted so long."""


class FaxMachine:
    """Sends its calling tone for ever, a burst first."""

    def __init__(self) -> None:
        burst = sine(((FAX_HZ, FAX_DBM0),), samples_of(FAX_ON_MS))
        self._loop = RepeatedSound(burst + silence_of(samples_of(FAX_OFF_MS)))
        self._at = 0

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples (less than a period) and what the chip makes of them."""
        begin, self._at = self._at % FAX_PERIOD, self._at + n
        heard = begin < FAX_RECOGNISED <= begin + n
        return self._loop.take(n), [FaxToneHeard()] if heard else []
