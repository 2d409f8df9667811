"""What the desk does when a line in trouble climbs its ladder: journal, status, requests."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.api.status_text import tried_words
from appliance.media.messages import Recovering
from appliance.modem.events import Recovery
from appliance.modem.line import LADDER
from appliance.service.supervision import KEPT, TRIED, Recoveries
from appliance.usb import reset
from appliance.usb.reset import ResetAnswer, UsbStep

AT = datetime(2026, 11, 25, 10, 31, tzinfo=UTC)


class Desk:
    """Recoveries and the two folders."""

    def __init__(self, folder: Path) -> None:
        self.asked, self.answered = folder / "usb", folder / "answers"
        self.recoveries = Recoveries(self.asked, self.answered, lambda: AT)

    def hears(self, step: Recovery, line: str = "line1") -> dict[str, object]:
        """Let the carrier tell of a step; returns what is kept of it."""
        told = Recovering(line, step.value, "Il modem non risponde.", "The modem does not answer.")
        self.recoveries.heard(told)
        return self.recoveries.to_json()[line][-1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk without a helper."""
    return Desk(tmp_path)


def test_every_step_is_written_with_what_was_seen(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the journal and one in the status, in both languages."""
    with caplog.at_level(logging.WARNING):
        kept = desk.hears(Recovery.DROP_DTR)
    (record,) = caplog.records
    assert record.getMessage() == (
        "line1: DTR is dropped and raised; seen: The modem does not answer."
    )
    assert kept["tried"] == {"it": TRIED["drop_dtr"].it, "en": TRIED["drop_dtr"].en}
    assert kept["seen"] == {"it": "Il modem non risponde.", "en": "The modem does not answer."}
    assert "DTR is dropped" in tried_words(kept)


def test_a_step_that_is_the_carrier_s_asks_nobody(desk: Desk) -> None:
    """Only what needs root is asked for."""
    for step in (Recovery.IN_BAND, Recovery.DROP_DTR, Recovery.REOPEN, Recovery.REPLUG):
        assert desk.hears(step)["trouble"] == {"it": "", "en": ""}
    assert not desk.asked.exists()


def test_usb_steps_are_asked_of_the_helper(desk: Desk) -> None:
    """One file named as the line, holding the step."""
    assert desk.hears(Recovery.RESET_USB)["trouble"] == {"it": "", "en": ""}
    assert reset.take_request(desk.asked, "line1") is UsbStep.RESET_USB
    assert desk.hears(Recovery.POWER_CYCLE)["trouble"] == {"it": "", "en": ""}
    assert reset.take_request(desk.asked, "line1") is UsbStep.POWER_CYCLE


def test_without_a_helper_a_person_must_replug(desk: Desk) -> None:
    """Nobody takes the request: the unit to enable is named, and so is the remedy."""
    desk.hears(Recovery.RESET_USB)
    for step in (Recovery.POWER_CYCLE, Recovery.REPLUG):
        kept = desk.hears(step)
        assert "centralino-usb.path" in str(kept["trouble"])
        assert "unplug the modem" in tried_words(kept)


def test_a_helper_that_could_not_is_quoted_at_the_top(desk: Desk) -> None:
    """Why the last step was of no use stands beside "replug"."""
    for answer in (
        ResetAnswer(UsbStep.POWER_CYCLE, False, "the port cannot be switched", 20.0),
        ResetAnswer(UsbStep.RESET_USB, True, "done", 10.0),
    ):
        reset.write_answer(desk.answered, "line1", answer)
    assert "cannot be switched" in str(desk.hears(Recovery.REPLUG)["trouble"])


def test_a_line_that_cannot_be_asked_for_is_told(desk: Desk) -> None:
    """A name with a space is no unit's: said, nothing raised."""
    assert "lines.name" in str(desk.hears(Recovery.RESET_USB, "linea 1")["trouble"])


def test_what_is_kept_is_bounded(desk: Desk) -> None:
    """A line in trouble for a year fills no memory."""
    for _ in range(100):
        desk.hears(Recovery.DROP_DTR)
    assert len(desk.recoveries.to_json()["line1"]) == KEPT


def test_every_step_of_the_ladder_has_its_words() -> None:
    """Whatever the carrier tells can be said."""
    assert set(TRIED) == {*LADDER, Recovery.IN_BAND}
    assert {s.value for s in UsbStep} < {s.value for s in LADDER}
