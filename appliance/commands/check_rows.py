"""What `centralino check --json` prints: a configuration's meaning, or its mistakes, in fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

from appliance.commands.answering import lines_of
from appliance.config.schema import Settings
from appliance.config.values import BadConfiguration, Mistake
from appliance.policy.hours import Why
from appliance.policy.lines import HalfDuplexDaytime, Line
from appliance.policy.office import Office
from appliance.text import Words, joined, unchanged

WHOLE_FILE = "the file"
"""Place of a mistake that is no key's."""


class MistakeRow(TypedDict):
    """A mistake: the key's place in the file, its line, null where it is not known."""

    place: str
    line: int | None
    text: Words


class CheckedLine(TypedDict):
    """A line: whether it carries conversations (null: known once its modem is asked)."""

    line: str
    label: str
    duplex: bool | None
    by_day: HalfDuplexDaytime | None


class GoodRow(TypedDict):
    """A configuration that can be used, and what it means now."""

    good: Literal[True]
    file: str
    name: str
    open: bool
    why: Why
    changes_at: datetime | None
    patron_day: date
    emergency_numbers: list[str]
    lines: list[CheckedLine]
    switchboard: list[str]
    citizens_desk: list[str]
    derived: list[Words]
    notices: list[Words]


class WrongRow(TypedDict):
    """A configuration that cannot be used; `mistakes` is empty where it cannot be read at all."""

    good: Literal[False]
    file: str
    mistakes: list[MistakeRow]


@dataclass(frozen=True, slots=True)
class Checked:
    """A good configuration at a moment: what it means in words, what it leaves to the box (with
    the entered weeks), and what is missing.
    """

    settings: Settings
    office: Office
    now: datetime
    summary: tuple[Words, ...]
    derived: tuple[Words, ...]
    notices: tuple[Words, ...]

    @property
    def words(self) -> Words:
        """All of it, one sentence a line."""
        more = (*self.derived, *self.notices)
        return lines_of((*self.summary, *(joined("", (unchanged("  "), one)) for one in more)))


def good_row(found: Checked, file: str) -> dict[str, Any]:
    """Return what is printed of a good configuration, with the same in words."""
    office, now = found.office, found.now
    state, plan = office.switchboard.schedule.at(now), office.outgoing.plan
    counter = office.citizens_desk
    flips_at = office.local(state.flips_at) if state.flips_at else None
    able = any(not line.is_half_duplex for line in office.lines)
    row: dict[str, Any] = {
        "good": True,
        "file": file,
        "name": office.name,
        "open": state.open,
        "why": state.why.value,
        "changes_at": flips_at.isoformat() if flips_at else None,
        "patron_day": found.settings.site.patron.in_year(office.local(now).year).isoformat(),
        "emergency_numbers": list(plan.emergency) if able else [],
        "lines": [_line_row(line) for line in office.lines],
        "switchboard": list(office.switchboard.phones),
        "citizens_desk": list(counter.phones) if counter else [],
        "derived": [words.by_language() for words in found.derived],
        "notices": [words.by_language() for words in found.notices],
    }
    return {**row, **found.words.by_language()}


def _line_row(line: Line) -> dict[str, Any]:
    by_day = line.daytime or HalfDuplexDaytime.MESSAGE
    return {
        "line": line.name,
        "label": line.shown,
        "duplex": line.can.bridge,
        "by_day": None if line.can.bridge else by_day.value,
    }


def wrong_row(words: Words, file: str, mistakes: Iterable[Mistake]) -> dict[str, Any]:
    """Return what is printed of a configuration that cannot be used, with the same in words."""
    found = [
        {
            "place": "" if one.place == WHOLE_FILE else one.place,
            "line": one.line or None,
            "text": one.said.by_language(),
        }
        for one in mistakes
    ]
    return {"good": False, "file": file, "mistakes": found, **words.by_language()}


def mistakes_of(error: Exception) -> tuple[Mistake, ...]:
    """Return the mistakes that an error tells, () for another error."""
    return error.mistakes if isinstance(error, BadConfiguration) else ()
