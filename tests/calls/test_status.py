"""What screens say of a call: every state has words, and none of a technician's (E22)."""

from __future__ import annotations

import re

import pytest

from appliance.calls import events
from appliance.calls.model import ReturnCause
from appliance.calls.states import State
from appliance.calls.status import CALL_STATE_WORDS, WHY_RETURNED
from tests.calls.examples import TEN, tell, up
from tests.helpers.words import pair

TECHNICAL = re.compile(r"\b(modem|sip|line[ae]?|lines?|rtp|leg|pbx)\b", re.IGNORECASE)


@pytest.mark.parametrize("state", State)
def test_every_state_is_said_in_both_languages_without_a_technicians_word(state: State) -> None:
    """No modem, SIP or line words on an operator's screen."""
    words = CALL_STATE_WORDS[state]
    assert all((words.text("it"), words.text("en")))
    assert not TECHNICAL.search(f"{words.text('it')} {words.text('en')}")


def test_a_call_that_rings_is_said_to_ring() -> None:
    """The words stand beside the call, for the console and for programmes."""
    switchboard = up()
    tell(switchboard, TEN, events.LineRang("line1"))
    (call,) = switchboard.status(TEN).calls
    assert (call.words.text("it"), call.words.text("en")) == ("Squilla", "Ringing")


@pytest.mark.parametrize(
    ("event", "code", "english"),
    [
        (events.LineIdle("line1"), "", ""),
        (events.LineLost("line1", pair("guasto", "broken")), "fault", "broken"),
        (events.LineLost("line1", pair("via", "gone"), missing=True), "missing", "gone"),
        (events.MediaGatewayLost("it crashed"), "sound", "it crashed"),
    ],
)
def test_what_is_wrong_with_a_line_is_a_code_and_words(
    event: events.Event, code: str, english: str
) -> None:
    """Programs read the code, people the words in their language."""
    switchboard = up()
    tell(switchboard, TEN, event)
    line = switchboard.status(TEN).lines[0]
    assert (line.reason, line.why.text("en")) == (code, english)


@pytest.mark.parametrize("cause", ReturnCause)
def test_why_a_call_came_back_is_said(cause: ReturnCause) -> None:
    """Every cause has its words (P6)."""
    words = WHY_RETURNED[cause]
    assert all((words.text("it"), words.text("en")))
    assert not TECHNICAL.search(f"{words.text('it')} {words.text('en')}")
