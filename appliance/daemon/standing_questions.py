"""What may be asked at the door without changing anything: how units stand, what a call would do.

Units are many and each looks ahead for its next band: that is done in the records' thread.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from appliance.daemon.door import Answer, Later, Tell, moment
from appliance.daemon.status_words import plain
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import directory_review
from appliance.policy.clock import ClockState, Now
from appliance.policy.directory import Register
from appliance.policy.directory_review import (
    Ahead,
    NeedStanding,
    Standing,
    ahead,
    attention,
    need_standing,
    standing,
)
from appliance.policy.directory_text import what
from appliance.policy.office import NO_MARKS
from appliance.policy.routing import GroupState, explain
from appliance.policy.text import SaidError, Words
from appliance.policy.transfers import Allowed, may_transfer

if TYPE_CHECKING:
    from appliance.daemon.desk import Desk
    from appliance.daemon.stores import Stores
    from appliance.policy.office import Line, Office

YEAR_DAYS: Final = 365
LIVE: Final = (GroupState.FREE, GroupState.BUSY, GroupState.UNREACHABLE)
"""States of a group that its own hours do not say."""


class StandingQuestions:
    """Answers; raises OfficeError for what is no question of its kind."""

    def __init__(self, desk: Desk, stores: Stores) -> None:
        self._desk, self._stores = desk, stores

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked."""
        return {
            "register_state": self.state,
            "register_ahead": self.ahead,
            "explain": self.explain,
        }

    def state(self, _question: dict[str, Any]) -> Later:
        """Tell how every unit stands now, and what the head must look after."""
        register, now = self._desk.register, self._desk.now()

        def later(tell: Tell) -> None:
            def done(result: Answer | CentralinoError) -> None:
                tell(result)

            self._stores.records.do(lambda _: self._states(register, now), done)

        return later

    @property
    def _office(self) -> Office:
        """The office, with the hours in force."""
        return self._desk.office

    def _states(self, register: Register, now: Now) -> Answer:
        calendar = self._office.switchboard.schedule
        found = attention(register, now.wall, calendar.zone)
        return {
            "units": [_unit(each) for each in standing(register, calendar, now)],
            "attention": [plain(words) for words in directory_review.in_words(found)],
            "undeclared": [unit.code for unit in found.undeclared],
        }

    def ahead(self, _question: dict[str, Any]) -> Answer:
        """List what is special from today on for a year, of the house and of units (E14)."""
        register, calendar = self._desk.register, self._office.switchboard.schedule
        today = self._desk.now().wall.astimezone(calendar.zone).date()
        found = ahead(register, calendar, today, today + timedelta(days=YEAR_DAYS - 1))
        rows = [_ahead(register, each) for each in found]
        return {"today": today.isoformat(), "ahead": rows}

    def explain(self, question: dict[str, Any]) -> Answer:
        """Tell what happens to a call that rings now or `at`, and to its transfer if one is named.

        For now the phones are as they are; for another moment they are taken for free. What
        people have asked for by hand counts as long as it holds.
        """
        status, at = self._desk.status(), _at(question)
        line = _line(self._office, str(question.get("line") or ""))
        live = at is None
        when = (at or status.at).astimezone(self._office.zone)
        counter = status.citizens_desk
        found = explain(
            self._office,
            line,
            when,
            _live(status.switchboard.state) if live else GroupState.FREE,
            counter.state if live and counter else None,
            status.service if when >= status.at else NO_MARKS,
            status.clock_state if live else ClockState.SYNCED,
            status.doubt,
        )
        clock = status.clock_state if live else ClockState.SYNCED
        unit, need = (str(question.get(key) or "")[:64] for key in ("unit", "need"))
        transfer = self._transfer(unit, need, when, clock) if unit else None
        lines = [{"line": each.name, "shown": each.shown} for each in self._office.lines]
        return {"explanation": found.to_json(), "transfer": transfer, "lines": lines}

    def _transfer(self, unit: str, need: str, when: datetime, clock: ClockState) -> Answer:
        """Tell whether a call could go on to a unit; the labels of its numbers in their order."""
        calendar = self._office.switchboard.schedule
        answer = may_transfer(self._desk.register, calendar, unit, need, Now(0.0, when, clock))
        name = answer.need.name if isinstance(answer, Allowed) else ""
        labels = [t.label for t in answer.targets] if isinstance(answer, Allowed) else []
        return {**_need(need_standing(answer, need, name, when)), "targets": labels}


def _ahead(register: Register, each: Ahead) -> Answer:
    unit = register.unit(each.unit)
    return {
        "first": each.first.isoformat(),
        "last": each.last.isoformat() if each.last else None,
        "unit": each.unit,
        "name": unit.name if unit else "",
        "words": {language: what(each, language) for language in ("it", "en")},
    }


def _unit(each: Standing) -> Answer:
    return {
        "unit": each.unit.code,
        "name": each.unit.name,
        "service": each.unit.service,
        "say": each.unit.say,
        "declared_by": each.declared_by,
        "open": each.is_open,
        "needs": [_need(need) for need in each.needs],
    }


def _need(each: NeedStanding) -> Answer:
    return {
        "need": each.need,
        "name": each.name,
        "allowed": each.allowed,
        "code": each.code,
        "rules": list(each.rules),
        "until": each.until.isoformat() if each.until else None,
        "resumes": each.resumes.isoformat() if each.resumes else None,
        "words": plain(each.words),
    }


def _live(state: GroupState) -> GroupState:
    """Return what phones are doing; hours and marks are looked at by the rules themselves."""
    return state if state in LIVE else GroupState.FREE


def _line(office: Office, name: str) -> Line:
    found = next((line for line in office.lines if name in ("", line.name)), None)
    if found is None:
        known = ", ".join(line.name for line in office.lines) or "none"
        raise SaidError(
            Words(
                f"la linea {name!r} non c'è; le linee note sono {known}",
                f"there is no line {name!r}; known are {known}",
            )
        )
    return found


def _at(question: dict[str, Any]) -> datetime | None:
    text = question.get("at")
    try:
        return moment(text) if text else None
    except (TypeError, ValueError) as error:
        raise OfficeError(f"at is an ISO time with its offset, or left out: {error}") from error
