"""Patterns are told apart by looks at a pin, also where looks come seldom and steps come late."""

from __future__ import annotations

import pytest

from tests.image.long import leds
from tests.image.long.leds import Look, Pattern

PATTERNS = {
    "dark": leds.DARK,
    "lit": leds.LIT,
    "blinks fast": leds.FAST,
    "one flash": leds.ONE_FLASH,
    "two flashes": ((True, 100), (False, 200), (True, 100), (False, 1600)),
    "three flashes": leds.THREE_FLASHES,
    "goes out briefly": ((True, 1800), (False, 200)),
}
LONG_MS, EVERY_MS, LATE_MS = 7000, 23, 30
"""How long is looked, how seldom, and how late each step is."""


def looked(pattern: Pattern, begin_ms: int) -> list[Look]:
    """Return looks at a pattern that was begun some time ago."""
    steps = [(lit, ms + LATE_MS) for lit, ms in pattern]
    whole = [lit for lit, ms in steps for _ in range(ms)]
    times = range(0, LONG_MS, EVERY_MS)
    return [Look(ms, whole[(begin_ms + ms) % len(whole)]) for ms in times]


@pytest.mark.parametrize("shown", PATTERNS)
@pytest.mark.parametrize("asked", PATTERNS)
@pytest.mark.parametrize("begin_ms", [0, 150, 1250])
def test_a_led_shows_its_own_pattern_alone(shown: str, asked: str, begin_ms: int) -> None:
    """Whatever moment the looks begin at."""
    assert leds.shows(looked(PATTERNS[shown], begin_ms), PATTERNS[asked]) == (shown == asked)


def test_too_few_looks_say_nothing() -> None:
    """Less than a dark LED's four seconds, or than two whole patterns."""
    dark = looked(leds.DARK, 0)
    assert not leds.shows([one for one in dark if one.ms < leds.DARK[0][1]], leds.DARK)
    flash = looked(leds.ONE_FLASH, 0)
    assert not leds.shows([one for one in flash if one.ms < 4100], leds.ONE_FLASH)
    assert not leds.shows([], leds.DARK)


def test_a_blink_before_it_stays_lit_is_seen() -> None:
    """One stretch of the pattern is enough; a LED that is merely lit has not blinked."""
    times = (*range(0, 1000, 10), *range(1000, 9000, 10))
    blinking = [Look(ms, ms >= 1000 or ms // 200 % 2 == 0) for ms in times]
    assert leds.blinked(blinking, leds.FAST)
    assert not leds.blinked([Look(ms, ms >= 1000) for ms in times], leds.FAST)
    assert leds.shows(leds.steadily(blinking), leds.LIT)
    assert not leds.shows(blinking, leds.LIT)
