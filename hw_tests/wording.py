"""Figures as people read them, in each language: their names, values, units and limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.text import ENGLISH, Words, _, by_language, decimal_words, in_context, unchanged
from hw_tests.findings import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hw_tests.findings import Figure

MISSING = "–"
NAMES: Mapping[str, Words] = {
    "voice": _("voice"),
    "answers after": _("answers a command after"),
    "voltage": _("voltage"),
    "voltage off hook": _("voltage off hook"),
    "heard": _("sound heard"),
    "sent": _("sound sent"),
    "underruns": _("gaps while playing (underruns)"),
    "overruns": _("sound lost while listening (overruns)"),
    "recognised after": _("recognised after"),
    "frequency": _("frequency"),
    "level": in_context("figure", "level"),
    "first ring after dialling": _("first ring after dialling"),
    "from ring to ring": _("from ring to ring"),
    "after the first ring": _("number, after the first ring"),
    "number as expected": _("number as expected"),
    "order to off hook": _("from the order to off hook"),
    "swing": _("swing of the level"),
    "signal to noise": _("signal to noise"),
    "idle noise": _("noise while nobody speaks"),
    "round trip": _("there and back"),
    "echo return loss": _("echo return loss"),
    "500 to 2600 Hz, weakest": _("500 to 2600 Hz, weakest"),
    "500 to 2600 Hz, strongest": _("500 to 2600 Hz, strongest"),
    "harmonic distortion": _("harmonic distortion"),
    "nominal": _("keys as usual, heard"),
    "50 ms": _("keys of 50 ms, heard"),
    "quiet": _("quiet keys, heard"),
    "high group +4 dB": _("keys with the high group 4 dB louder, heard"),
    "low group +8 dB": _("keys with the low group 8 dB louder, heard"),
    "keys heard": _("keys heard"),
    "keys named": _("keys named by the chip"),
    "drift, hearing": _("drift of the clock, hearing"),
    "drift, playing": _("drift of the clock, playing"),
    "noticed after": _("noticed after"),
    "loop breaks": _("breaks of the loop"),
    "silence noticed after": _("silence noticed after"),
    "other signs": _("other signs meanwhile"),
    "flash": _("length of the flash"),
    "number as it is": _("number comes as it is"),
    "number at all": _("number comes at all"),
    "end of the first sound to OK": _("from the end of the first sound to OK"),
    "end of sound to OK": _("from the end of the sound to OK"),
    "in band": _("ready again, by commands"),
    "DTR dropped": _("ready again, by DTR"),
    "port reopened": _("ready again, by a new opening"),
    "line ready again": _("line ready again after"),
    "rings again": _("rings again"),
    "half of the ticks": _("half of the ticks, late by"),
    "99 of 100 ticks": _("99 of 100 ticks, late by"),
    "worst tick": _("worst tick, late by"),
    "calls": _("calls made"),
    "calls that failed": _("calls that failed"),
    "without sound": _("without sound"),
    "weakest sound": _("weakest sound"),
    "against the first call": _("sound, against the first call"),
    "unplugging noticed": _("unplugging noticed"),
    "the person heard it": _("the person heard the tones"),
    "the person's voice": _("the person's voice"),
    "keys as pressed": _("keys as pressed"),
    "as it should be": _("as it should be"),
    "loud sound above its distortion": _("loud sound above its distortion"),
    "loud sound weaker by": _("loud sound weaker by"),
    "faint sound stronger by": _("faint sound stronger by"),
    "weak syllables": _("weak syllables"),
    "drop-outs": _("drop-outs"),
    "speech": in_context("figure", "speech"),
    "swing of the level": _("swing of the level"),
    "calls to this line": _("calls to this line"),
    "calls without the number": _("calls without the number"),
    "commands in all": _("commands in all"),
    "refused, and taken at other times": _("refused, and taken at other times"),
    "not answered, and said again": _("not answered, and said again"),
    "stopped in the middle": _("stopped in the middle of its work"),
    "keys nobody pressed": _("keys named that nobody pressed"),
    "watched for": _("watched for"),
    "loudest noise between words": _("loudest noise between words"),
    "echo return loss beyond 128 ms": _("echo return loss beyond 128 ms"),
    "delay of the echo": _("delay of the echo"),
    "slips": _("slips"),
    "samples more than were sent": _("samples more than were sent"),
    "byte 10 hex heard": _("byte 10 hex heard"),
    "while both speak": _("level while both speak"),
    "between both directions": _("between both directions"),
    "lost from USB": _("lost from USB"),
    "rings that nobody makes": _("rings that nobody makes"),
}
CAPABILITIES: Mapping[str, Words] = {
    "voice": in_context("capability", "voice"),
    "mu-law": _("mu-law"),
    "A-law": _("A-law"),
    "line voltage (-TRV)": _("line voltage (-TRV)"),
    "line in use (-STE)": _("line in use (-STE)"),
    "caller id (+VCID)": _("caller id (+VCID)"),
    "duplex (+VTR)": _("duplex (+VTR)"),
}
"""What a modem can do, by what it is called in a unit."""
BEFORE = _("number, before the first ring")
HARMONIC = _("harmonic {number}, below the tone")
WITH = _("number comes with {command}")
PATTERNS = (
    (re.compile(r"harmonic (?P<number>\d+), below the tone"), HARMONIC),
    (re.compile(r"number with (?P<command>.+)"), WITH),
)
AS_IT_IS = re.compile(r"\d+ Hz|[AB]>[AB]")
"""A frequency, a way: the same in every language."""
YES, NO = in_context("figure", "yes"), in_context("figure", "no")
SAMPLES = _("samples/s")
UNMEASURED = _("not measured")
PLACES = {"Hz": 0, "V": 1, "ppm": 0, "1/s": 0, "": 0, "/min": 0, "×": 0}
"""Decimals of a unit; a value beyond its limit has as many as show it."""
MOST_PLACES = 4
SMALL_S, LONG_MS = 1.0, 1000.0
COUNTED = ("", "/min")
"""Units of what is never less than nothing."""
TRUTH = ("number as it is", "number at all", "number with")


def name_words(figure: Figure) -> Words:
    """Give what a figure is called; what nobody knows here stays as it is."""
    if figure.name == "after the first ring" and (figure.value or 0.0) < 0:
        return BEFORE
    if (known := NAMES.get(figure.name)) is not None:
        return known
    for pattern, words in PATTERNS:
        if found := pattern.fullmatch(figure.name):
            return words.filled(**found.groupdict())
    return unchanged(figure.name)


def is_known(name: str) -> bool:
    """Tell whether a figure of this name has one in every language."""
    return (
        name in NAMES
        or AS_IT_IS.fullmatch(name) is not None
        or any(pattern.fullmatch(name) for pattern, _ in PATTERNS)
    )


def value_words(figure: Figure) -> Words:
    """Give a figure's value with its unit."""
    return by_language(lambda language: value_text(figure, language))


def limit_words(figure: Figure) -> Words:
    """Give between what a figure must lie, in the unit of its value."""
    return by_language(lambda language: limit_text(figure, language))


def value_text(figure: Figure, language: str = ENGLISH) -> str:
    """Write a value with its unit, in decimals that tell something."""
    if figure.value is None:
        return MISSING
    if _is_truth(figure):
        return (YES if figure.value >= 1 else NO).text(language)
    value, unit = _shown(abs(figure.value) if _is_before(figure) else figure.value, figure)
    if _is_share(figure):
        return f"{_number(value, 0, language)}{figure.unit}"
    places = next(
        (
            n
            for n in range(_places(value, unit), MOST_PLACES)
            if figure.limit is None or _shown_limit(figure).holds(round(value, n)) is figure.good
        ),
        MOST_PLACES,
    )
    return f"{_number(value, places, language)} {_unit(unit, language)}".rstrip()


def limit_text(figure: Figure, language: str = ENGLISH) -> str:
    """Write a limit as people do: at least, at most, from … to."""
    if figure.limit is None or (figure.limit.low is None and figure.limit.high is None):
        return MISSING
    if _is_truth(figure):
        return YES.text(language)
    given = _shown_limit(figure)
    _, unit = _shown(figure.value or 0.0, figure)
    low, high = (
        None if end is None else _number(end, _exact(end), language)
        for end in (given.low, given.high)
    )
    if _is_share(figure) and low is not None:
        return f"{low}{figure.unit}"
    if low is None and given.high == 0 and unit in COUNTED:
        said = "0"
    elif low is None or high is None:
        said = f"≤ {high}" if low is None else f"≥ {low}"
    else:
        said = low if low == high else f"{low} … {high}"
    return f"{said} {_unit(unit, language)}".rstrip()


def _is_truth(figure: Figure) -> bool:
    return figure.unit == "" and (
        figure.limit == Limit(1.0, 1.0) or figure.name.startswith(TRUTH)
    )  # fmt: skip


def _is_share(figure: Figure) -> bool:
    """Tell whether a figure is so many of so many: its unit is `/16`."""
    return figure.unit.startswith("/") and figure.unit[1:].isdigit()


def _is_before(figure: Figure) -> bool:
    return figure.name == "after the first ring" and (figure.value or 0.0) < 0


def _shown(value: float, figure: Figure) -> tuple[float, str]:
    """Give a value in the unit in which it is read: short times in ms, long ones in s."""
    ends = () if figure.limit is None else (figure.limit.low, figure.limit.high)
    largest = max((abs(end) for end in (figure.value, *ends) if end is not None), default=0.0)
    if figure.unit == "s" and largest < SMALL_S:
        return value * 1000, "ms"
    if figure.unit == "ms" and largest >= 10 * LONG_MS:
        return value / 1000, "s"
    return value, figure.unit


def _shown_limit(figure: Figure) -> Limit:
    given = figure.limit or Limit()
    if _is_before(figure):
        return Limit(None, None if given.low is None else -given.low)
    low, high = (None if end is None else _shown(end, figure)[0] for end in (given.low, given.high))
    return Limit(low, high)


def _places(value: float, unit: str) -> int:
    if unit in PLACES:
        return PLACES[unit]
    if unit in {"s", "ms"}:
        return 2 if abs(value) < 1 else 1 if abs(value) < 100 else 0
    return 1


def _exact(end: float) -> int:
    """Give as many decimals as a limit was written with."""
    return next((n for n in range(3) if round(end, n) == round(end, 3)), 3)


def _number(value: float, places: int, language: str) -> str:
    text = decimal_words(value, places, language)
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text.replace("-", "−")


def _unit(unit: str, language: str) -> str:
    return SAMPLES.text(language) if unit == "1/s" else unit
