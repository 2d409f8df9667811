"""An ordinary telephone beside the line, and what is measured on it: what stories do not show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.api.status_text import line_words
from appliance.calls import events, orders
from appliance.calls.events import Evidence, LineCondition, LineProbed, LineTaken
from appliance.calls.model import LineState
from appliance.calls.orders import Result
from appliance.calls.status import LineStatus
from appliance.text import NOTHING, unchanged
from tests.calls.examples import KNOWN, NIGHT, RANG, TEN, UP, later, records, tell, up
from tests.helpers.words import pair


@pytest.mark.parametrize(("seconds", "result"), [(1.0, Result.TAKEN), (9.0, Result.MESSAGE)])
def test_a_recording_that_nobody_closed_is_kept_by_the_clock(
    seconds: float, result: Result
) -> None:
    """The media gateway closes it first; should it not have, what was said is kept, or the call
    taken.
    """
    switchboard = up(now=NIGHT)
    tell(switchboard, NIGHT, RANG, KNOWN, UP)
    for play in ("boot7-1.p1", "boot7-1.p2"):
        tell(switchboard, NIGHT, events.PromptEnded(play))
    now = later(NIGHT, seconds)
    given = tell(switchboard, now, LineTaken("line1"))
    assert orders.HangUp("line1") in given
    given += tell(switchboard, now, events.MessageStored("boot7-1", "m", 9000))
    given += tell(switchboard, now, events.LineIdle("line1"))
    final = records(given)[-1]
    assert (final.result, final.evidence) == (result, Evidence.PARALLEL_PHONE)


def test_a_line_nobody_configured_is_not_measured() -> None:
    """An event of an older set-up is nobody's."""
    switchboard = up()
    assert tell(switchboard, TEN, LineProbed("line9", LineCondition.IN_USE)) == []


def test_no_line_is_said_in_both_languages_and_a_handset_left_lifted_after_an_hour() -> None:
    """A technician reads what to do; somebody who just telephones is no trouble."""
    switchboard = up()
    tell(switchboard, TEN, LineProbed("line1", LineCondition.IN_USE))
    tell(switchboard, TEN, LineProbed("line3", LineCondition.NO_LINE))
    (no_line,) = switchboard.status(later(TEN, 3600)).degraded
    assert no_line.text("it").startswith("line3: nessuna tensione")
    assert no_line.text("en").startswith("line3: no voltage")
    lifted, _ = switchboard.status(later(TEN, 3601)).degraded
    assert lifted.text("it").startswith("Centralino: da più di un'ora")
    assert "put down" in lifted.text("en")
    assert later(TEN, 3601).wall - TEN.wall > timedelta(hours=1)


def test_what_was_measured_stands_in_the_status() -> None:
    """UNKNOWN for a modem that cannot, or whose modem was started anew: never a guess."""
    switchboard = up()
    assert {line.condition for line in switchboard.status(TEN).lines} == {LineCondition.UNKNOWN}
    tell(switchboard, TEN, LineProbed("line1", LineCondition.FREE))
    first = switchboard.status(TEN).lines[0]
    assert (first.state, first.condition) == (LineState.IDLE, LineCondition.FREE)
    tell(
        switchboard, TEN, events.LineLost("line1", unchanged("gone")), events.LineRestored("line1")
    )
    assert switchboard.status(TEN).lines[0].condition is LineCondition.UNKNOWN


@pytest.mark.parametrize(
    ("state", "condition", "words"),
    [
        ("idle", "free", "idle"),
        ("idle", "unknown", "idle (cable and parallel telephone: not known"),
        ("in_use_outside", "in_use", "in use by an ordinary telephone"),
        ("no_line", "no_line", "no line: no voltage"),
        ("out", "unknown", "out of service: why"),
    ],
)
def test_the_status_command_says_what_a_line_is(state: str, condition: str, words: str) -> None:
    """B1: idle, in use beside the box, no line and out of order are different sentences."""
    why = pair("perché", "why") if state == "out" else NOTHING
    line = LineStatus(
        "line1", "", LineState(state), None, condition=LineCondition(condition), why=why
    )
    assert line_words(line).text("en").startswith(words)
