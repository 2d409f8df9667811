"""What call control does when a line in trouble climbs its ladder: journal, status, requests."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance import usb
from appliance.api.replies import RecoveryStep
from appliance.api.status_text import tried_words
from appliance.media.messages import Recovering
from appliance.modem.events import Recovery
from appliance.modem.line import LADDER
from appliance.service.supervision import KEPT, TRIED, Recoveries
from appliance.text import NOTHING
from appliance.usb import ResetAnswer, UsbStep
from tests.helpers.words import pair

AT = datetime(2026, 11, 25, 10, 31, tzinfo=UTC)


class CallControlStub:
    """Recoveries and the two folders."""

    def __init__(self, folder: Path) -> None:
        self.asked, self.answered = folder / "usb", folder / "answers"
        self.recoveries = Recoveries(self.asked, self.answered, lambda: AT)

    def hears(self, step: Recovery, line: str = "line1") -> RecoveryStep:
        """Let the media gateway tell of a step; returns what is kept of it."""
        told = Recovering(
            line, step.value, pair("Il modem non risponde.", "The modem does not answer.")
        )
        self.recoveries.heard(told)
        return self.recoveries.by_line()[line][-1]


@pytest.fixture
def control(tmp_path: Path) -> CallControlStub:
    """Call control without a helper."""
    return CallControlStub(tmp_path)


def test_every_step_is_written_with_what_was_seen(
    control: CallControlStub, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the journal and one in the status, in both languages."""
    with caplog.at_level(logging.WARNING):
        kept = control.hears(Recovery.DROP_DTR)
    (record,) = caplog.records
    assert record.getMessage() == (
        "line1: DTR is dropped and raised; seen: The modem does not answer."
    )
    assert kept.tried == TRIED["drop_dtr"]
    assert kept.seen == pair("Il modem non risponde.", "The modem does not answer.")
    assert "DTR is dropped" in tried_words(kept)


def test_a_step_of_the_media_gateway_asks_nobody(control: CallControlStub) -> None:
    """Only what needs root is asked for."""
    for step in (Recovery.IN_BAND, Recovery.DROP_DTR, Recovery.REOPEN, Recovery.REPLUG):
        assert control.hears(step).trouble == NOTHING
    assert not control.asked.exists()


def test_usb_steps_are_asked_of_the_helper(control: CallControlStub) -> None:
    """One file named as the line, holding the step."""
    assert control.hears(Recovery.RESET_USB).trouble == NOTHING
    assert usb.take_request(control.asked, "line1") is UsbStep.RESET_USB
    assert control.hears(Recovery.POWER_CYCLE).trouble == NOTHING
    assert usb.take_request(control.asked, "line1") is UsbStep.POWER_CYCLE


def test_without_a_helper_a_person_must_replug(control: CallControlStub) -> None:
    """Nobody takes the request: the unit to enable is named, and so is the remedy."""
    control.hears(Recovery.RESET_USB)
    for step in (Recovery.POWER_CYCLE, Recovery.REPLUG):
        kept = control.hears(step)
        assert "centralino-request@usb.path" in str(kept.trouble)
        assert "unplug the modem" in tried_words(kept)


def test_a_helper_that_could_not_is_quoted_at_the_top(control: CallControlStub) -> None:
    """Why the last step was of no use stands beside "replug"."""
    for answer in (
        ResetAnswer(UsbStep.POWER_CYCLE, False, "the port cannot be switched", 20.0),
        ResetAnswer(UsbStep.RESET_USB, True, "done", 10.0),
    ):
        usb.write_answer(control.answered, "line1", answer)
    assert "cannot be switched" in str(control.hears(Recovery.REPLUG).trouble)


def test_a_line_that_cannot_be_asked_for_is_told(control: CallControlStub) -> None:
    """A name with a space is no unit's: said, nothing raised."""
    assert "lines.name" in str(control.hears(Recovery.RESET_USB, "linea 1").trouble)


def test_what_is_kept_is_bounded(control: CallControlStub) -> None:
    """A line in trouble for a year fills no memory."""
    for _ in range(100):
        control.hears(Recovery.DROP_DTR)
    assert len(control.recoveries.by_line()["line1"]) == KEPT


def test_every_step_of_the_ladder_has_its_words() -> None:
    """Whatever the media gateway tells can be said."""
    assert set(TRIED) == {*LADDER, Recovery.IN_BAND}
    assert {s.value for s in UsbStep} < {s.value for s in LADDER}
