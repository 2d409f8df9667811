"""The page of the time: who may open it, what it says, that it asks call control and tells its
word.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.console.settings import ConsoleSettings
from appliance.policy.clock import ClockState
from appliance.policy.text import SaidError
from appliance.service.clock import STATES
from tests.console import people
from tests.console.control_socket import ServedSocket
from tests.console.visitor import Visitor
from tests.helpers.words import pair


class Clock:
    """Call control whose clock is in a state, behind a real control socket; what it was asked is
    kept.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self.state, self.refused, self.away = ClockState.STALE, False, False
        self.asked: list[dict[str, object]] = []
        settings.control_socket.parent.mkdir(parents=True, exist_ok=True)
        self.served = ServedSocket(settings.control_socket, self._answer)
        self.visitor = Visitor(settings)

    def _answer(self, question: dict[str, object]) -> dict[str, Any]:
        if question["ask"] != "clock":
            self.asked.append(question)
            if self.refused:
                raise SaidError(pair("Quell'ora no.", "Not that time."))
            return {"said": {"it": "Fatto.", "en": "Done."}}
        if self.away:
            raise SaidError(pair("Non c'è.", "It is away."))
        return {
            "at": "2027-03-01T12:00:00+00:00",
            "state": self.state.value,
            "trusted": self.state.is_trusted,
            "words": STATES[self.state].by_language(),
            "by_itself_s": 7300.0,
            "trouble": None,
        }


@pytest.fixture
def clock(console_settings: ConsoleSettings, records: sqlite3.Connection) -> Iterator[Clock]:
    """The clock was not confirmed; Anna the operator has logged in."""
    del records
    made = Clock(console_settings)
    with made.served, made.visitor:
        made.visitor.log_in(people.ANNA)
        yield made


def test_the_front_desk_and_the_technician_may(clock: Clock) -> None:
    """Whoever sets states, and whoever looks after the box."""
    for user, allowed in ((people.ANNA, True), (people.BEPPE, True), (people.DINO, False)):
        clock.visitor.log_in(user)
        assert (clock.visitor.get("/clock").status_code == 200) is allowed, user
        assert (clock.visitor.post("/clock/confirm").status_code == 200) is allowed, user
        assert ('href="/clock"' in clock.visitor.get("/").text) is allowed, user
    assert [question["by"] for question in clock.asked] == ["anna", "beppe"]


def test_the_time_and_its_worth_are_told(clock: Clock) -> None:
    """The office's own time, in the reader's language; what cannot be cannot be confirmed."""
    text = clock.visitor.get("/clock").text
    for part in (
        "lun 1 marzo 2027, 13:00",
        "non confermata da quando",
        "2 ore fa",
        "L&#39;ora è giusta",
    ):
        assert part in text, part
    english = clock.visitor.get("/clock", headers={"accept-language": "en"}).text
    assert "callers are told no hour" in english
    clock.state = ClockState.SYNCED
    assert "valgono, e sono detti" in clock.visitor.get("/clock").text
    clock.state = ClockState.UNSET
    assert 'id="confirm"' not in clock.visitor.get("/clock").text


def test_the_clock_is_set(clock: Clock) -> None:
    """Call control's word is shown; a refusal too, with what was typed."""
    answer = clock.visitor.post("/clock/set", data={"at": "2027-03-01T13:05"})
    assert (answer.status_code, "Fatto." in answer.text) == (200, True)
    assert clock.asked == [{"ask": "clock_set", "at": "2027-03-01T13:05", "by": "anna"}]
    clock.refused = True
    answer = clock.visitor.post("/clock/set", data={"at": "2099-01-01T00:00"})
    assert (answer.status_code, "Quell&#39;ora no." in answer.text) == (409, True)
    assert 'value="2099-01-01T00:00"' in answer.text


def test_call_control_that_does_not_say_is_told_of(clock: Clock) -> None:
    """The page opens all the same."""
    clock.away = True
    answer = clock.visitor.get("/clock")
    assert (answer.status_code, 'id="confirm"' in answer.text) == (409, False)
    assert 'role="alert"' in answer.text
