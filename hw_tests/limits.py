"""The limits of the field test: three bands, each with the source that it comes from.

Within `wanted` a figure is good, beyond it but within `allowed` it deserves attention, beyond that
it is bad and fails. What a source says of a whole connection or of an exchange is stricter than
what one analog line can be held to: then the source gives `wanted`, and what the office's callers
bear, tried on the software exchange, gives `allowed` (`own`).
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.text import Words, _
from hw_tests.findings import Figure, Limit

REACH_MS = 128.0
"""What the echo canceller of the box reaches (appliance/media/echo.py)."""


@dataclass(frozen=True, slots=True)
class Band:
    """What a figure may be, what it should be, and who says so; `own`: we too."""

    title: Words
    unit: str
    allowed: Limit
    wanted: Limit
    source: str
    own: bool = True

    def figure(self, name: str, value: float | None, unit: str = "") -> Figure:
        """Make a figure that is held to this band."""
        return Figure(name, value, unit, self.allowed, self.wanted)

    def share(self, name: str, count: int, of: int) -> Figure:
        """Make a figure of so many of so many, where the band is in %."""
        allowed, wanted = (_part(each, of) for each in (self.allowed, self.wanted))
        return Figure(name, float(count), f"/{of}", allowed, wanted)

    def later(self, name: str, value: float | None, by: float, unit: str) -> Figure:
        """Make a figure whose band begins at another moment than 0."""
        allowed, wanted = (_later(each, by) for each in (self.allowed, self.wanted))
        return Figure(name, value, unit, allowed, wanted)


def _part(limit: Limit, of: int) -> Limit:
    low, high = (None if end is None else of * end / 100 for end in (limit.low, limit.high))
    return Limit(low, high)


def _later(limit: Limit, by: float) -> Limit:
    low, high = (None if end is None else by + end for end in (limit.low, limit.high))
    return Limit(low, high)


def _most(
    title: Words, unit: str, wanted: float, allowed: float, source: str, *, own: bool = True
) -> Band:
    return Band(title, unit, Limit(None, allowed), Limit(None, wanted), source, own)


def _least(
    title: Words, unit: str, wanted: float, allowed: float, source: str, *, own: bool = True
) -> Band:
    return Band(title, unit, Limit(allowed, None), Limit(wanted, None), source, own)


def _within(
    title: Words, unit: str, wanted: tuple[float, float], allowed: tuple[float, float], source: str
) -> Band:
    return Band(title, unit, Limit(*allowed), Limit(*wanted), source)


LEVEL = _within(
    _("Level of a tone sent at -10 dBm0"), "dBm0", (-19.0, -7.0), (-22.0, -4.0), "ETSI ES 201 970"
)
ASYMMETRY = _most(_("Both directions against each other"), "dB", 4.0, 9.0, "ITU-T G.121")
SNR = _least(_("Signal to noise"), "dB", 33.0, 28.0, "ITU-T G.712")
IDLE_NOISE = _most(_("Noise while nobody speaks"), "dBm0", -55.0, -45.0, "ITU-T G.712")
LOUD = _most(_("Loud sound, weaker than it should be"), "dB", 1.0, 3.0, "ITU-T G.712")
LOUD_SNR = _least(_("Loud sound above its distortion"), "dB", 30.0, 22.0, "ITU-T G.712")
ONE_WAY = _within(_("Delay one way"), "ms", (-30.0, 150.0), (-30.0, 300.0), "ITU-T G.114")
ROUND_TRIP = _most(_("Delay there and back"), "ms", 300.0, 400.0, "ITU-T G.114")
ECHO = _least(_("Echo return loss"), "dB", 11.0, 6.0, "ITU-T G.122, G.168", own=False)
FAR_ECHO = _least(_("Loss of an echo later than 128 ms"), "dB", 40.0, 30.0, "ITU-T G.131")
DRIFT = _within(_("Drift of a crystal"), "ppm", (-50.0, 50.0), (-115.0, 115.0), "")
BOTH_SPEAK = _least(
    _("Other side while both speak, against alone"), "dB", -3.0, -6.0, "ITU-T P.340"
)
QUIET = _least(_("Weak syllables, against loud ones"), "dB", -3.0, -6.0, "ITU-T G.712")
SWING = _most(_("Swing of the level"), "dB", 2.0, 4.0, "ITU-T O.95")
CHANGE = _within(_("Sound in later calls, against the first"), "dB", (-3.0, 3.0), (-6.0, 6.0), "")
DROP_OUTS = _most(_("Drop-outs of 50 ms and more"), "/min", 0.0, 2.0, "ITU-T O.62")
SLIPS = _most(_("Slips"), "/min", 0.0, 2.5, "ITU-T G.822")
BYTES = _within(
    _("Samples lost or gained among all bytes"), "", (-2.0, 2.0), (-4.0, 4.0), "ITU-T V.253"
)
NO_LOST_CALLER = _most(
    _("Calls without the number, once it came"), "", 0.0, 0.0, "ETSI EN 300 659-1", own=False
)
GHOSTS = _most(_("Rings that nobody makes"), "", 0.0, 0.0, "")
DROPPED = _most(_("Modem lost from USB"), "", 0.0, 0.0, "")
REFUSED = _most(
    _("Commands refused that were taken before"), "", 0.0, 0.0, "ITU-T V.250", own=False
)
ANSWERED = _most(_("Answer to a command after"), "s", 0.5, 1.0, "ITU-T V.250")
REPEATED = _most(_("Commands without an answer"), "", 0.0, 1.0, "ITU-T V.250")

FIRST_RING = _most(_("First ring after dialling"), "s", 6.0, 12.0, "ITU-T E.721")
ANSWER = _most(_("From answering to off hook"), "s", 0.5, 1.5, "ITU-T V.253")
"""With the modem prepared while it rings one command is left (v253.md 4)."""
TONE_KNOWN = _most(_("Call-progress tone recognised after"), "s", 5.0, 8.0, "ITU-T E.180")
FAX_KNOWN = _most(_("Fax machine recognised after"), "s", 4.5, 6.0, "ITU-T T.30")
"""It is certain at the second burst, 4 s after the first began: greetings take longer."""
STREAM_END = _most(_("End of an announcement to OK"), "ms", 300.0, 1000.0, "ITU-T V.253")
FIRST_STREAM_END = _most(_("End of the first announcement to OK"), "ms", 1000.0, 8000.0, "")
"""A modem that heeds another terminator than the first one keeps only its first caller waiting."""
RELEASED = _most(_("Release noticed after"), "s", 5.0, 8.0, "ITU-T E.180")
SILENCE = _within(_("Release by silence, later than set"), "s", (-1.0, 2.0), (-1.0, 8.0), "")
"""Whoever leaves may have been silent for a second already."""
KEYS = _least(_("Keys as usual, heard"), "%", 100.0, 100.0, "ITU-T Q.24", own=False)
EDGE_KEYS = _least(
    _("Short, quiet or lopsided keys, heard"), "%", 100.0, 75.0, "ITU-T Q.24, ETSI ES 201 235-3"
)
SENT_KEYS = _least(_("Keys sent by the modem, heard"), "%", 100.0, 100.0, "ITU-T V.253, Q.23")
RECOVERED = _most(_("Line ready again after a fault"), "s", 10.0, 20.0, "")
"""A line is out for no longer than a caller lets it ring four times; for two it is no loss."""
PLUGGED_IN = _most(_("Line ready again after plugging in"), "s", 20.0, 60.0, "")
RESPONSE_300 = _within(
    _("Response at {hz} Hz", hz=300), "dB", (-8.0, 2.0), (-15.0, 3.0), "ITU-T G.712"
)
RESPONSE_400 = _within(
    _("Response at {hz} Hz", hz=400), "dB", (-5.0, 2.0), (-10.0, 3.0), "ITU-T G.712"
)
RESPONSE = _within(_("Response from 500 to 2600 Hz"), "dB", (-4.0, 2.0), (-7.0, 3.0), "ITU-T G.712")
RESPONSE_3000 = _within(
    _("Response at {hz} Hz", hz=3000), "dB", (-7.0, 2.0), (-12.0, 3.0), "ITU-T G.712"
)
RESPONSE_3400 = _within(
    _("Response at {hz} Hz", hz=3400), "dB", (-15.0, 2.0), (-30.0, 3.0), "ITU-T G.712"
)
EDGES = {300.0: RESPONSE_300, 400.0: RESPONSE_400, 3000.0: RESPONSE_3000, 3400.0: RESPONSE_3400}
"""The response's bands at frequencies (Hz) beside those from 500 to 2600 Hz."""

BANDS = {name: value for name, value in globals().items() if isinstance(value, Band)}
"""All of them by their names."""
OWN = _("own trials")


def rows(language: str) -> list[str]:
    """Give the table of the guides: what, good, attention up to, source."""
    return [
        f"| {band.title.text(language)} | {_told(band.wanted, band.unit)} "
        f"| {_told(band.allowed, band.unit)} | {_source(band, language)} |"
        for band in BANDS.values()
    ]


def _told(limit: Limit, unit: str) -> str:
    if limit.low is not None and limit.high is not None:
        text = f"{limit.low:g} … {limit.high:g}"
    elif limit.low is not None:
        text = f"≥ {limit.low:g}"
    else:
        text = f"≤ {limit.high:g}"
    return f"{text} {unit}".strip()


def _source(band: Band, language: str) -> str:
    own = OWN.text(language) if band.own else ""
    return "; ".join(filter(None, (band.source, own)))
