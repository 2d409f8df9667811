"""Manual states of the house end by themselves, and are not forgotten (M3; E4, P8, P9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from appliance.calls import events, manual_states, orders
from appliance.calls.commands import SetAllAbsent, SetClosed, SetOpened, SetUnattended
from appliance.calls.manual_states import REMIND
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.policy.hours import Band, Period, Week
from appliance.policy.hours_changes import HoursEntry, Whose
from appliance.policy.mail import TO_HEAD, Mail
from appliance.policy.office import Office
from appliance.policy.opening import ManualMark, ServiceState
from tests.calls.examples import TEN, later, tell, up
from tests.helpers.words import pair
from tests.stories.offices import EXAMPLE

ALWAYS = Week(((Band.parse("00:00-24:00"),),) * 7)
NOON, AFTERNOON, EVENING = 13, 14, 18
"""When the example office closes and opens on a Wednesday, and closes again."""


def at(hour: int, minute: int = 0, *, day: int = 25) -> datetime:
    """Return a time of the example's week; the 25th of November 2026 is a Wednesday."""
    return TEN.wall.replace(day=day, hour=hour, minute=minute)


def moment(wall: datetime) -> Now:
    """Return the moment of a time, counted from ten o'clock."""
    return later(TEN, (wall - TEN.wall).total_seconds())


def ask(switchboard: Switchboard, request: Any, now: Now = TEN) -> list[orders.Order]:
    """Ask for a state."""
    return tell(switchboard, now, events.ServiceStateChanged(request))


def run(switchboard: Switchboard, until: datetime) -> list[Mail]:
    """Let the time pass until a moment; returns the mails that are queued."""
    mails: list[Mail] = []
    while (due := switchboard.next_deadline()) is not None and due <= moment(until).monotonic:
        now = later(TEN, due - TEN.monotonic)
        for passed in switchboard.due(now):
            mails += [
                o.mail for o in tell(switchboard, now, passed) if isinstance(o, orders.QueueMail)
            ]
    return mails


@pytest.mark.parametrize(
    ("request_", "now", "ends"),
    [
        (SetClosed(on=True, by="op1"), TEN, at(NOON)),
        (SetClosed(on=True, by="op1"), moment(at(NOON, 30)), at(AFTERNOON)),
        (SetClosed(on=True, by="op1"), moment(at(22)), at(8, 30, day=26)),
        (SetUnattended(on=True, by="op1"), TEN, at(NOON)),
        (SetOpened(on=True, by="op1"), moment(at(22)), at(8, 30, day=26)),
        (SetAllAbsent(on=True, by="op1"), TEN, at(11)),
        (SetAllAbsent(on=True, by="op1"), moment(at(12, 30)), at(NOON)),
        (SetAllAbsent(on=True, by="op1", lasts=True), TEN, at(NOON)),
    ],
)
def test_a_state_ends_at_the_next_change_of_the_written_hours(
    request_: Any, now: Now, ends: datetime
) -> None:
    """Closed in the evening, it is open in the morning; absent lasts an hour at most by itself."""
    switchboard = up(now=now)
    ask(switchboard, request_, now)
    (mark,) = switchboard.service.marks().values()
    assert mark.until == ends
    gone = later(now, (ends - now.wall).total_seconds())
    for passed in switchboard.due(gone):
        tell(switchboard, gone, passed)
    assert switchboard.service == ServiceState()


def test_an_end_that_somebody_gave_is_theirs() -> None:
    """With or without a zone, and also none at all: who says so takes it back."""
    switchboard = up()
    ask(switchboard, SetClosed(on=True, by="op1", until=at(16)))
    assert switchboard.service.closed == ManualMark("op1", TEN.wall, at(16))
    ask(switchboard, SetClosed(on=True, by="op1", until=at(16).replace(tzinfo=None)))
    assert switchboard.service.closed == ManualMark("op1", TEN.wall, at(16))
    ask(switchboard, SetUnattended(on=True, by="op2", lasts=True))
    assert switchboard.service.unattended == ManualMark("op2", TEN.wall)
    ask(switchboard, SetUnattended(on=False, by="op2"))
    assert switchboard.service.unattended is None


def test_an_office_that_never_closes_ends_a_state_after_a_day() -> None:
    """There is no change to wait for; a forgotten state still ends."""
    always = replace(EXAMPLE.switchboard.schedule, weekly=ALWAYS, holidays=(), closures=())
    office = replace(EXAMPLE, switchboard=replace(EXAMPLE.switchboard, schedule=always))
    state = manual_states.requested(office, ServiceState(), SetClosed(on=True, by="op1"), TEN)
    assert state.closed is not None
    assert state.closed.until == TEN.wall + timedelta(hours=24)


def with_opening(wall: datetime) -> events.HoursChanged:
    """Enter that the house is open all day on the day of a moment."""
    opening = Period(wall.date(), wall.date(), pair("Apertura", "Opening"), ALWAYS)
    return events.HoursChanged((HoursEntry(1, Whose.HOUSE, opening, "capo", TEN.wall, "e-mail"),))


def test_hours_that_are_entered_afterwards_move_the_end() -> None:
    """Closed on Friday evening; an opening that is entered for Saturday ends it then."""
    friday = later(TEN, 2 * 86_400 + 9 * 3600)
    switchboard = up(now=friday)
    ask(switchboard, SetClosed(on=True, by="op1"), friday)
    ask(switchboard, SetUnattended(on=True, by="op1", lasts=True), friday)
    assert switchboard.service.closed is not None
    assert switchboard.service.closed.until == at(9, day=28)
    tell(switchboard, friday, with_opening(at(0, day=28)))
    assert switchboard.service.closed.until == at(0, day=28)
    assert switchboard.service.unattended == ManualMark("op1", friday.wall)


def test_a_state_that_is_over_does_not_come_back_with_new_hours() -> None:
    """The box was without power over its end; the hours are read before the end is looked at."""
    over = ManualMark("op1", TEN.wall, at(NOON), by_hours=True)
    state = ServiceState(closed=over)
    assert manual_states.with_hours(EXAMPLE, state, moment(at(NOON, 30))) == state


def test_a_state_against_the_written_hours_is_told_to_the_head_after_an_hour() -> None:
    """Once in each period that it contradicts, and wherever people look."""
    switchboard = up()
    ask(switchboard, SetClosed(on=True, by="op1", lasts=True))
    assert run(switchboard, at(10, 59)) == []
    (mail,) = run(switchboard, at(11))
    assert mail.to == TO_HEAD
    assert (
        "«Chiuso – segreteria» vale da mer 25 novembre 2026, 10:00 (op1), senza fine" in mail.body
    )
    assert mail.body.split("\n")[0] in [
        each.text("it") for each in switchboard.status(moment(at(11))).degraded
    ]
    assert run(switchboard, at(14, 59)) == []
    assert len(run(switchboard, at(15))) == 1
    ask(switchboard, SetClosed(on=False, by="op1"), moment(at(15)))
    assert run(switchboard, at(EVENING)) == []
    assert not [w for w in switchboard.status(moment(at(15))).degraded if "Chiuso" in w.text("it")]


def test_opened_by_hand_is_told_of_while_it_is_written_closed() -> None:
    """It rings people who have gone home."""
    night = moment(at(22))
    switchboard = up(now=night)
    ask(switchboard, SetOpened(on=True, by="op1"), night)
    (mail,) = run(switchboard, at(23))
    assert "«Aperto a mano»" in mail.body
    assert "fino a gio 26 novembre 2026, 08:30" in mail.body


def test_a_state_that_is_over_is_told_to_nobody() -> None:
    """Its deadline was due as it ended; one that an office gave an end is its own."""
    switchboard = up()
    assert (
        tell(switchboard, TEN, events.DeadlinePassed(REMIND, f"{manual_states.STATE}closed")) == []
    )
    ask(switchboard, SetClosed(on=True, by="op1", until=at(16)))
    assert run(switchboard, at(15, 59)) == []
    assert (
        tell(switchboard, TEN, events.DeadlinePassed(REMIND, f"{manual_states.STATE}closed")) == []
    )


def test_a_reminder_that_comes_while_nothing_is_contradicted_waits() -> None:
    """The written hours were changed meanwhile."""
    switchboard = up()
    ask(switchboard, SetClosed(on=True, by="op1", lasts=True))
    shut = Period(TEN.wall.date(), TEN.wall.date(), pair("Sciopero", "Strike"), Week(((),) * 7))
    special = HoursEntry(1, Whose.HOUSE, shut, "capo", TEN.wall, "e-mail")
    tell(switchboard, TEN, events.HoursChanged((special,)))
    assert run(switchboard, at(23)) == []
    assert len(run(switchboard, at(10, day=26))) == 1


def test_an_office_that_wants_no_reminder_gets_none() -> None:
    """As for positions: 0 is never."""
    office = replace(EXAMPLE, positions=replace(EXAMPLE.positions, remind_after_ms=0))
    switchboard = Switchboard(office, "boot7")
    ask(switchboard, SetClosed(on=True, by="op1", lasts=True))
    assert run(switchboard, at(15)) == []
    assert not [w for w in switchboard.status(moment(at(15))).degraded if "Chiuso" in w.text("it")]


def test_english_offices_are_told_in_english() -> None:
    """The house's first language."""
    office: Office = replace(EXAMPLE, languages=("en", "it"))
    switchboard = Switchboard(office, "boot7")
    ask(switchboard, SetUnattended(on=True, by="op1", lasts=True))
    (mail,) = run(switchboard, at(11))
    assert (
        "“Unattended” has held since Wed 25 November 2026, 10:00 (op1), without an end" in mail.body
    )
