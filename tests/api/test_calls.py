"""What is asked at the control socket about messages and missed calls; nonsense gets a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.api.calls import read_step
from appliance.errors import OfficeError
from appliance.policy.voicemail import MessageOutcome, MessageStep
from appliance.store.voicemail import CaseKind
from tests.helpers.wire import wish

ASKED: dict[str, Any] = {
    "ask": "care",
    "kind": "call",
    "step": "take",
    "name": "17",
    "by": "Anna",
    "at": "2026-11-25T11:00:00+01:00",
}


def test_a_question_is_read() -> None:
    """Kind, name, step, who and when."""
    kind, name, entry = read_step(wish(ASKED))
    assert (kind, name, entry.step, entry.by) == (CaseKind.CALL, "17", MessageStep.TAKE, "Anna")
    assert entry.outcome is None


def test_closing_a_message_has_its_own_question() -> None:
    """Who asks to close a message, without saying more, is understood."""
    closes = {**ASKED, "ask": "close_message", "outcome": "no_number", "note": "x"}
    kind, _, entry = read_step(wish(closes))
    assert (kind, entry.step, entry.outcome) == (
        CaseKind.MESSAGE,
        MessageStep.CLOSE,
        MessageOutcome.NO_NUMBER,
    )
    assert entry.note == "x"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "fax"}, "say message, call"),
        ({"name": ""}, "name is needed"),
        ({"step": "alert_unheard"}, "cannot be asked"),
        ({"step": "close"}, "called_back"),
        ({"step": "close", "outcome": "done"}, "called_back"),
        ({"step": "note", "note": " "}, "the note is empty"),
        ({"at": "2026-11-25T11:00:00"}, "offset"),
        ({"at": 7}, "at has to be a text"),
    ],
)
def test_what_cannot_be_asked_is_said(wrong: dict[str, Any], sentence: str) -> None:
    """One sentence: what is wrong and what is known."""
    with pytest.raises(OfficeError, match=sentence):
        read_step(wish({**ASKED, **wrong}))
