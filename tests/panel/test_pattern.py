"""What the LEDs say, as pure data."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.panel import (
    FAST,
    MEANINGS,
    OFF,
    ON,
    ONE_FLASH,
    SLOW,
    THREE_FLASHES,
    TWO_FLASHES,
    WINK,
    PanelLine,
    PanelStatus,
    Pattern,
    PhoneNetwork,
    Readiness,
    meanings_of,
    pattern_for,
    pattern_step,
)  # fmt: skip
from appliance.policy.updates import UpdateLight

WELL = PanelStatus(Readiness.READY, PhoneNetwork.UP, (("line1", PanelLine.IDLE),))
STATUSES = st.builds(
    PanelStatus,
    st.sampled_from(Readiness),
    st.sampled_from(PhoneNetwork),
    st.lists(st.tuples(st.text(max_size=5), st.sampled_from(PanelLine)), max_size=3).map(tuple),
    st.integers(0, 99),
    st.booleans(),
    st.booleans(),
)


def test_a_well_box_shows_two_steady_lights() -> None:
    """In service and network lit; everything that blinks or is red wants something."""
    assert pattern_for(WELL) == {
        "ready": ON,
        "network": ON,
        "line:line1": OFF,
        "message": OFF,
        "fault": OFF,
    }


@pytest.mark.parametrize(
    ("change", "led", "pattern"),
    [
        ({"readiness": Readiness.STARTING}, "ready", FAST),
        ({"readiness": Readiness.NOT_READY}, "ready", OFF),
        ({"unattended": True}, "ready", WINK),
        ({"update": UpdateLight.UPDATING}, "ready", SLOW),
        ({"update": UpdateLight.ON_TRIAL}, "ready", TWO_FLASHES),
        ({"readiness": Readiness.STARTING, "update": UpdateLight.ON_TRIAL}, "ready", FAST),
        ({"readiness": Readiness.STARTING, "unattended": True}, "ready", FAST),
        ({"network": PhoneNetwork.DOWN}, "network", ONE_FLASH),
        ({"network": PhoneNetwork.NO_PHONES}, "network", TWO_FLASHES),
        ({"messages_waiting": 1}, "message", SLOW),
        ({"fault": True}, "fault", ON),
        ({"lines": (("line1", PanelLine.RINGING),)}, "line:line1", FAST),
        ({"lines": (("line1", PanelLine.IN_USE),)}, "line:line1", ON),
        ({"lines": (("line1", PanelLine.CLEARING),)}, "line:line1", WINK),
        ({"lines": (("line1", PanelLine.MISSING),)}, "line:line1", ONE_FLASH),
        ({"lines": (("line1", PanelLine.OUT),)}, "line:line1", TWO_FLASHES),
        ({"lines": (("line1", PanelLine.NO_LINE),)}, "line:line1", THREE_FLASHES),
        ({"lines": (("line1", PanelLine.IN_USE_OUTSIDE),)}, "line:line1", SLOW),
    ],
)
def test_each_state_changes_its_own_led_only(
    change: dict[str, object], led: str, pattern: Pattern
) -> None:
    """One thing changes, one LED changes."""
    changed = pattern_for(replace(WELL, **change))  # type: ignore[arg-type] # a table of changes
    assert changed == {**pattern_for(WELL), led: pattern}


@given(STATUSES)
def test_every_state_has_a_pattern(status: PanelStatus) -> None:
    """No state leaves an LED without a pattern."""
    names = {f"line:{name}" for name, _ in status.lines} | {"ready", "network", "message", "fault"}
    assert set(pattern_for(status)) == names


def test_meanings_are_told_in_both_languages_and_told_apart() -> None:
    """One LED never says two things with one pattern; each is said in Italian and English."""
    keys = [(m.led, m.pattern) for m in MEANINGS]
    assert len(keys) == len(set(keys))
    said = [m.words.by_language() for m in MEANINGS]
    assert all(text.endswith(".") for each in said for text in each.values())
    assert all(each["it"] != each["en"] for each in said)


def test_a_manual_state_is_seen_on_the_ready_led() -> None:
    """Closed tells most: nobody is rung; a box that is not in service shows no state at all."""
    ready = PanelStatus(Readiness.READY, closed=True, unattended=True, opened=True)
    assert meanings_of(ready)["ready"].state == "closed"
    assert meanings_of(replace(ready, closed=False))["ready"].state == "unattended"
    by_hand = replace(ready, closed=False, unattended=False)
    assert meanings_of(by_hand)["ready"].state == "opened"
    assert meanings_of(replace(ready, readiness=Readiness.STARTING))["ready"].state == "starting"


def test_an_update_is_seen_before_what_is_set_by_hand() -> None:
    """It lasts minutes and must not be cut off."""
    ready = PanelStatus(Readiness.READY, closed=True, update=UpdateLight.UPDATING)
    assert meanings_of(ready)["ready"].state == "updating"


def test_every_meaning_can_be_reached() -> None:
    """The table for the documentation holds nothing that the box never shows."""
    shown = {
        (led.split(":")[0], pattern)
        for r, n, s, w, *flags in itertools.product(
            Readiness, PhoneNetwork, PanelLine, (0, 3), *((False, True),) * 5
        )
        for update in UpdateLight
        for led, pattern in pattern_for(
            PanelStatus(r, n, (("a", s),), w, *flags, update=update)
        ).items()
    }
    assert shown == {(m.led, m.pattern) for m in MEANINGS}


def test_a_pattern_steps_through_virtual_time() -> None:
    """Two flashes, drawn out over its two seconds, and again."""
    lit = [pattern_step(TWO_FLASHES, t)[0] for t in range(0, 4000, 100)]
    assert lit == ([True, False, False, True] + [False] * 16) * 2


@given(
    st.sampled_from([FAST, SLOW, WINK, ONE_FLASH, TWO_FLASHES, THREE_FLASHES]),
    st.integers(0, 10**9),
)
def test_nothing_changes_before_it_is_said_to(pattern: Pattern, t_ms: int) -> None:
    """The LED keeps its state until exactly the told moment: sleeping until then misses nothing."""
    lit, change_ms = pattern_step(pattern, t_ms)
    assert change_ms is not None
    assert pattern_step(pattern, t_ms + change_ms - 1) == (lit, 1)
    assert pattern_step(pattern, t_ms + change_ms)[0] is not lit


def test_a_steady_pattern_never_changes() -> None:
    """Nothing wakes for it."""
    assert (pattern_step(ON, 12345), pattern_step(OFF, 0)) == ((True, None), (False, None))
