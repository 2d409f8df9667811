"""When desk and head are told of unheard and unclosed messages (E16)."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.policy.hours import Band, Schedule, SpecialOpening, week_of
from appliance.policy.voicemail import (
    CallAlerts,
    MessageCare,
    MessageEntry,
    MessageOutcome,
    MessageStep,
    care_of,
    due_alerts,
    due_call_alerts,
    is_digest_time,
    is_late,
    unclosed_at,
    unheard_at,
)
from tests.policy.small_directory import EVERY_DAY, rome
from tests.stories.offices import ROME

WORKDAYS = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13 14-17:30")))
MORNINGS = Schedule(ROME, week_of(**dict.fromkeys(EVERY_DAY, "8:30-13"), saturday="9-12"))
WEEKEND = ("saturday", "sunday")
NEVER = Schedule(ROME, week_of())


@pytest.mark.parametrize(
    ("calendar", "received", "unheard", "unclosed"),
    [
        # Wednesday night: half an hour after Thursday's opening; then Friday's opening
        (WORKDAYS, "2026-11-25 19:00", "2026-11-26 09:00", "2026-11-27 08:30"),
        # left while people were there and busy
        (WORKDAYS, "2026-11-25 10:00", "2026-11-25 10:30", "2026-11-26 10:00"),
        # ten minutes before closing, before the lunch break: nobody is there half an hour later
        (WORKDAYS, "2026-11-25 17:20", "2026-11-26 09:00", "2026-11-26 17:20"),
        (WORKDAYS, "2026-11-25 12:45", "2026-11-25 14:30", "2026-11-26 12:45"),
        # over the weekend
        (WORKDAYS, "2026-11-27 17:00", "2026-11-27 17:30", "2026-11-30 17:00"),
        (WORKDAYS, "2026-11-28 09:00", "2026-11-30 09:00", "2026-12-01 08:30"),
        # Friday at ten is Saturday at ten where Saturday is worked
        (MORNINGS, "2026-11-27 10:00", "2026-11-27 10:30", "2026-11-28 10:00"),
        # Friday at 12:30: Saturday is over by then, so Monday's opening
        (MORNINGS, "2026-11-27 12:30", "2026-11-27 13:00", "2026-11-30 08:30"),
        (NEVER, "2026-11-25 10:00", "2026-12-02 10:30", "2026-12-09 10:00"),
    ],
)
def test_when_it_is_told(calendar: Schedule, received: str, unheard: str, unclosed: str) -> None:
    """Half an hour that people are there; one working day after that."""
    assert unheard_at(rome(received), calendar) == rome(unheard)
    assert unclosed_at(rome(received), calendar) == rome(unclosed)


def test_who_never_closes_and_who_never_opens_again_are_told_after_half_an_hour() -> None:
    """There is no closing before it, or no opening after it, to wait for."""
    never_closes = Schedule(ROME, week_of(**dict.fromkeys((*EVERY_DAY, *WEEKEND), "0-24")))
    last_day = SpecialOpening(date(2026, 11, 25), (Band.parse("9-12"),))
    once = Schedule(ROME, week_of(), openings=(last_day,))
    for calendar in (never_closes, once):
        assert unheard_at(rome("2026-11-25 11:45"), calendar) == rome("2026-11-25 12:15")


HEARD = MessageEntry(rome("2026-11-26 08:40"), "op1", MessageStep.HEAR)
TAKEN = MessageEntry(rome("2026-11-26 08:45"), "Anna", MessageStep.TAKE)
CLOSED = MessageEntry(
    rome("2026-11-26 09:10"), "Anna", MessageStep.CLOSE, MessageOutcome.CALLED_BACK
)
TOLD_UNHEARD = MessageEntry(rome("2026-11-26 09:00"), "box", MessageStep.ALERT_UNHEARD)
TOLD_UNCLOSED = MessageEntry(rome("2026-11-27 08:30"), "box", MessageStep.ALERT_UNCLOSED)


@pytest.mark.parametrize(
    ("history", "now", "told"),
    [
        ([], "2026-11-26 08:59", []),
        ([], "2026-11-26 09:00", [MessageStep.ALERT_UNHEARD]),
        ([TOLD_UNHEARD], "2026-11-26 09:01", []),
        ([HEARD], "2026-11-26 09:00", []),
        ([TAKEN], "2026-11-26 09:00", []),
        ([HEARD], "2026-11-27 08:29", []),
        ([HEARD, TAKEN], "2026-11-27 08:30", [MessageStep.ALERT_UNCLOSED]),
        ([], "2026-11-27 08:30", [MessageStep.ALERT_UNHEARD, MessageStep.ALERT_UNCLOSED]),
        ([TOLD_UNHEARD, TOLD_UNCLOSED], "2026-12-27 08:30", []),
        ([CLOSED], "2026-12-27 08:30", []),
    ],
)
def test_each_is_told_once_and_not_of_what_is_dealt_with(
    history: list[MessageEntry], now: str, told: list[MessageStep]
) -> None:
    """A message left on Wednesday night: heard or taken it is not unheard, closed it is nothing."""
    care = care_of(history)
    assert list(due_alerts(care, rome("2026-11-25 19:00"), WORKDAYS, rome(now))) == told


@pytest.mark.parametrize(
    ("history", "late"),
    [
        ([], False),
        ([TOLD_UNHEARD], True),
        ([TOLD_UNHEARD, HEARD], False),
        ([TOLD_UNHEARD, TAKEN], False),
        ([TAKEN, TOLD_UNCLOSED], True),
        ([TOLD_UNCLOSED, CLOSED], False),
    ],
)
def test_what_is_late_is_late_until_somebody_deals_with_it(
    history: list[MessageEntry], late: bool
) -> None:
    """An alert is shown as long as its reason holds."""
    assert is_late(care_of(history)) is late
    assert not is_late(MessageCare())


@pytest.mark.parametrize(
    ("history", "now", "wanted", "told"),
    [
        ([], "2026-11-26 08:59", CallAlerts.ALL, []),
        ([], "2026-11-26 09:00", CallAlerts.ALL, [MessageStep.ALERT_UNHEARD]),
        ([], "2026-11-26 09:00", CallAlerts.UNCLOSED, []),
        ([], "2026-11-27 08:30", CallAlerts.ALL, [MessageStep.ALERT_UNCLOSED]),
        ([], "2026-11-27 08:30", CallAlerts.UNCLOSED, [MessageStep.ALERT_UNCLOSED]),
        ([], "2026-11-27 08:30", CallAlerts.NONE, []),
        ([TAKEN], "2026-11-26 09:00", CallAlerts.ALL, []),
        ([TOLD_UNHEARD], "2026-11-26 09:10", CallAlerts.ALL, []),
        ([TOLD_UNCLOSED], "2026-12-27 08:30", CallAlerts.ALL, []),
        ([CLOSED], "2026-12-27 08:30", CallAlerts.ALL, []),
    ],
)
def test_of_a_call_without_a_message_one_thing_is_told_at_a_time(
    history: list[MessageEntry], now: str, wanted: CallAlerts, told: list[MessageStep]
) -> None:
    """E16, a call of Wednesday night: not looked at, then not called back; never both at once."""
    care, rang = care_of(history), rome("2026-11-25 19:00")
    assert list(due_call_alerts(care, rang, WORKDAYS, rome(now), wanted)) == told


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-11-26 00:01", False),
        ("2026-11-26 08:59", False),
        ("2026-11-26 09:00", True),
        ("2026-11-26 22:00", True),
        ("2026-11-28 12:00", False),
    ],
)
def test_a_digest_goes_on_working_days_from_half_an_hour_after_opening(
    now: str, goes: bool
) -> None:
    """Nobody is written to at night or on a Saturday."""
    assert is_digest_time(WORKDAYS, rome(now)) is goes
