"""Opening hours: precedence, lunch, nights on which the clock is changed, the next change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import ConfigurationError
from appliance.policy.hours import (
    WEEKDAYS,
    Band,
    Closure,
    DayPiece,
    Holiday,
    NewWeek,
    Period,
    Schedule,
    SpecialOpening,
    Why,
    local_moment,
    week_of,
)
from appliance.text import Words
from tests.helpers.words import pair
from tests.stories.offices import ROME, SWITCHBOARD_HOURS

OFFICE_HOURS = week_of(
    **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday"), "8:30-13 14-18")
)
HOLIDAY = Holiday(date(2026, 11, 25), pair("Festa", "Feast"))
CLOSURE = Closure.whole_days(date(2026, 11, 25), date(2026, 11, 25), pair("Trasloco", "Moving"))
OPENING = SpecialOpening(date(2026, 11, 25), (Band.parse("10-11"),), pair("Urgenza", "Urgency"))
PERIOD = Period(
    date(2026, 11, 1), date(2026, 11, 30), pair("Novembre", "November"), week_of(wednesday="9-10")
)


def rome(text: str, fold: int = 0) -> datetime:
    """Read a local moment in Rome."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME, fold=fold)


@pytest.mark.parametrize(
    ("holidays", "closures", "openings", "periods", "why"),
    [
        ((HOLIDAY,), (CLOSURE,), (OPENING,), (PERIOD,), Why.OPENING),
        ((HOLIDAY,), (CLOSURE,), (), (PERIOD,), Why.CLOSURE),
        ((HOLIDAY,), (), (), (PERIOD,), Why.HOLIDAY),
        ((), (), (), (PERIOD,), Why.CLOSED_PERIOD),
        ((), (), (), (), Why.HOURS),
    ],
)
def test_precedence(
    holidays: tuple[Holiday, ...],
    closures: tuple[Closure, ...],
    openings: tuple[SpecialOpening, ...],
    periods: tuple[Period, ...],
    why: Why,
) -> None:
    """Opening by date > closure by date > holiday > the period's week > the ordinary week."""
    schedule = Schedule(ROME, OFFICE_HOURS, holidays, closures, openings, periods)
    assert schedule.at(rome("2026-11-25 10:30")).why is why


def test_an_opening_is_the_whole_day() -> None:
    """A special opening's bands are all the hours of its day, the ordinary ones do not count."""
    schedule = Schedule(ROME, OFFICE_HOURS, openings=(OPENING,))
    state = schedule.at(rome("2026-11-25 09:00"))
    assert (state.open, state.why) == (False, Why.CLOSED_HOURS)
    assert state.reopens_at == rome("2026-11-25 10:00")
    assert schedule.at(rome("2026-11-25 11:00")).reopens_at == rome("2026-11-26 08:30")


@pytest.mark.parametrize(
    ("at", "is_open", "why", "name", "changes", "flips"),  # each time once where both are one
    [
        # E1: lunch is a gap like any other
        ("2026-11-25 08:29:59", False, Why.CLOSED_HOURS, "", "2026-11-25 08:30", ""),
        ("2026-11-25 08:30", True, Why.HOURS, "", "2026-11-25 13:00", "2026-11-25 13:00"),
        ("2026-11-25 13:00", False, Why.CLOSED_HOURS, "", "2026-11-25 14:00", "2026-11-25 14:00"),
        ("2026-11-25 18:00", False, Why.CLOSED_HOURS, "", "2026-11-26 08:30", "2026-11-26 08:30"),
        # the eve: the reason changes at midnight, the answer later
        ("2026-12-24 18:00", False, Why.CLOSED_HOURS, "", "2026-12-25 00:00", "2026-12-26 10:00"),
        ("2026-12-24 15:00", False, Why.CLOSURE, "Vigilia", "2026-12-24 18:00", "2026-12-26 10:00"),
        ("2026-12-25 10:00", False, Why.HOLIDAY, "Natale", "2026-12-26 00:00", "2026-12-26 10:00"),
        # E14: opened on a holiday, and on a Sunday
        ("2026-12-26 11:00", True, Why.OPENING, "Emergenza", "2026-12-26 12:00", ""),
        ("2026-11-29 09:00", True, Why.OPENING, "Elezioni", "2026-11-29 12:00", "2026-11-29 12:00"),
        # E14: summer hours, first and last day
        ("2027-07-12 13:00", True, Why.PERIOD, "Orario estivo", "2027-07-12 14:00", ""),
        ("2027-08-31 14:00", False, Why.CLOSED_PERIOD, "Orario estivo", "2027-09-01 00:00",
         "2027-09-01 08:30"),
    ],
)  # fmt: skip
def test_the_answer_and_its_changes(
    at: str, is_open: bool, why: Why, name: str, changes: str, flips: str
) -> None:
    """Open or not, why, by what name, when the answer changes and when it opens or closes."""
    state = SWITCHBOARD_HOURS.at(rome(at))
    assert (state.open, state.why, state.name.text("it")) == (is_open, why, name)
    assert (state.changes_at, state.flips_at) == (rome(changes), rome(flips or changes))
    assert state.reopens_at == (None if is_open else rome(flips or changes))


def test_bands_that_touch_are_one() -> None:
    """From one band into the next nothing changes; until midnight and on is one opening."""
    schedule = Schedule(ROME, week_of(monday="8-12 12-24", tuesday="0-9"))
    state = schedule.at(rome("2026-11-23 09:00"))
    assert state.changes_at == state.flips_at == rome("2026-11-24 09:00")
    assert state.band == Band.parse("8-12")


def test_closures_cut_into_the_day() -> None:
    """A closure by the hour lies over the bands; of two that overlap the first written is told."""
    naive = [datetime(2026, 11, 25, hour) for hour in (9, 10, 11, 12)]  # noqa: DTZ001 - local
    first = Closure(naive[0], naive[2], pair("A", "A"), "greeting_a")
    second = Closure(naive[1], naive[3], pair("B", "B"))
    schedule = Schedule(ROME, OFFICE_HOURS, closures=(first, second))
    assert schedule.at(rome("2026-11-25 08:45")).flips_at == rome("2026-11-25 09:00")
    state = schedule.at(rome("2026-11-25 10:30"))
    assert (state.name.text("it"), state.greeting) == ("A", "greeting_a")
    assert state.changes_at == rome("2026-11-25 11:00")
    assert state.reopens_at == rome("2026-11-25 12:00")
    assert schedule.at(rome("2026-11-26 10:00")).open


def test_the_shorter_period_lies_over_the_longer() -> None:
    """Of two periods that overlap the one written last decides."""
    strike = Period(date(2026, 11, 25), date(2026, 11, 25), pair("Sciopero", "Strike"), week_of())
    schedule = Schedule(ROME, OFFICE_HOURS, periods=(PERIOD, strike))
    assert schedule.at(rome("2026-11-25 09:30")).name.text("it") == "Sciopero"
    assert schedule.at(rome("2026-11-18 09:30")).name.text("it") == "Novembre"


NIGHT = Schedule(ROME, week_of(sunday="2:30-4:00", saturday="22-24"))


@pytest.mark.parametrize(
    ("utc", "is_open", "flips_utc"),
    [
        # 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC; 02:30 does not exist
        ("2026-03-29 00:59:59", False, "2026-03-29 01:00"),
        ("2026-03-29 01:00:00", True, "2026-03-29 02:00"),
        # 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC; 02:30 comes twice, the first one counts
        ("2026-10-25 00:29:59", False, "2026-10-25 00:30"),
        ("2026-10-25 00:30:00", True, "2026-10-25 03:00"),
        ("2026-10-25 01:15:00", True, "2026-10-25 03:00"),
        ("2026-10-25 02:59:59", True, "2026-10-25 03:00"),
        # across the change an evening band ends at local midnight all the same
        ("2026-10-24 21:00:00", True, "2026-10-24 22:00"),
    ],
)
def test_nights_on_which_the_clock_is_changed(utc: str, is_open: bool, flips_utc: str) -> None:
    """Hours are wall-clock hours; a skipped time is the moment after, a double one the first."""
    state = NIGHT.at(datetime.fromisoformat(utc).replace(tzinfo=UTC))
    assert state.open is is_open
    assert state.flips_at is not None
    assert state.flips_at.astimezone(UTC) == datetime.fromisoformat(flips_utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("bands", "is_open", "flips"),
    [
        # closed at 1:30, and there is no 2:15 on that day
        ("2:15-2:45", False, "2026-04-05 02:15"),
        # the break between two bands does not come
        ("0:30-2:15 2:45-5", True, "2026-03-29 05:00"),
    ],
)
def test_what_lies_in_a_skipped_hour_does_not_come(bands: str, is_open: bool, flips: str) -> None:
    """Neither an opening nor a closing is announced that no moment of the day has."""
    state = Schedule(ROME, week_of(sunday=bands)).at(rome("2026-03-29 01:30"))
    assert (state.open, state.flips_at, state.changes_at) == (is_open, rome(flips), rome(flips))


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_a_whole_day_has_the_hours_it_has(day: str, hours: int) -> None:
    """Open 0-24 lasts 23 and 25 hours on the two nights."""
    start = datetime.fromisoformat(day)
    zone_day = SpecialOpening(start.date(), (Band.parse("0-24"),))
    state = Schedule(ROME, week_of(), openings=(zone_day,)).at(local_moment(start, ROME))
    assert state.flips_at is not None
    lasts = state.flips_at.astimezone(UTC) - local_moment(start, ROME).astimezone(UTC)
    assert lasts == timedelta(hours=hours)


def test_a_midnight_that_is_skipped() -> None:
    """Where the clock is put forward at midnight a day begins at the moment after."""
    cairo = ZoneInfo("Africa/Cairo")
    midnight = datetime(2026, 4, 24)  # noqa: DTZ001 - a local time
    assert local_moment(midnight, cairo).astimezone(UTC) == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_an_evening_hour_that_comes_twice() -> None:
    """Where the hour before midnight comes twice the day ends after the second one."""
    cairo = ZoneInfo("Africa/Cairo")  # what would be 2026-10-30 00:00 is 2026-10-29 23:00 again
    schedule = Schedule(cairo, week_of(friday="0-8"))
    for fold, minutes in ((0, 90), (1, 30)):
        at = datetime(2026, 10, 29, 23, 30, tzinfo=cairo, fold=fold)
        state = schedule.at(at)
        assert state.open is False
        assert state.flips_at is not None
        lasts = state.flips_at.astimezone(UTC) - at.astimezone(UTC)
        assert lasts == timedelta(minutes=minutes)


def test_never_opens_is_an_answer() -> None:
    """An office without hours, or closed beyond the horizon, has no time of reopening."""
    at = rome("2026-11-25 10:00")
    closed = Schedule(ROME, week_of())
    assert (closed.at(at).changes_at, closed.at(at).reopens_at) == (None, None)
    with_feast = Schedule(ROME, week_of(), holidays=(Holiday(date(2026, 12, 25), Words()),))
    state = with_feast.at(at)
    assert (state.changes_at, state.reopens_at) == (rome("2026-12-25 00:00"), None)
    years = Closure.whole_days(date(2026, 1, 1), date(2029, 1, 1))
    assert Schedule(ROME, OFFICE_HOURS, closures=(years,)).at(at).reopens_at is None


ALWAYS = Schedule(ROME, week_of(**dict.fromkeys(WEEKDAYS, "0-24")))


def test_always_open_is_an_answer() -> None:
    """Open day and night, nothing ever changes."""
    state = ALWAYS.at(rome("2026-11-25 10:00"))
    assert (state.open, state.changes_at, state.flips_at) == (True, None, None)


def test_always_open_is_found_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like any other hours: not by making every day of the year, for each question of hours."""
    made: list[date] = []
    piecewise = Schedule._day

    def counted(self: Schedule, day: date) -> Iterator[DayPiece]:
        made.append(day)
        return piecewise(self, day)

    monkeypatch.setattr(Schedule, "_day", counted)
    assert ALWAYS.at(rome("2026-11-25 10:00")).open
    until_august = replace(ALWAYS, holidays=(Holiday(date(2027, 8, 15), pair("a", "b")),))
    assert until_august.at(rome("2026-11-25 10:00")).flips_at == rome("2027-08-15 00:00")
    assert len(made) < 10


_DAYS = st.dates(date(2026, 11, 1), date(2027, 12, 31))
_WEEKS = st.sampled_from(
    [
        ALWAYS.weekly,
        week_of(**dict.fromkeys(WEEKDAYS, "0-12 12-24")),
        week_of(**dict.fromkeys(WEEKDAYS[:6], "0-24")),
        OFFICE_HOURS,
        week_of(),
    ]
)
_PERIODS = st.builds(
    lambda first, days, of: Period(first, first + timedelta(days), pair("p", "p"), of),
    _DAYS,
    st.integers(0, 40),
    _WEEKS,
)
_CLOSURES = st.builds(
    lambda first, hour, hours: Closure(
        datetime.combine(first, time(hour)), datetime.combine(first, time(hour)) + hours
    ),
    _DAYS,
    st.integers(0, 23),
    st.timedeltas(timedelta(hours=1), timedelta(days=20)),
)


@given(
    st.builds(
        Schedule,
        st.just(ROME),
        _WEEKS,
        st.lists(st.builds(Holiday, _DAYS, st.just(pair("f", "f"))), max_size=2).map(tuple),
        st.lists(_CLOSURES, max_size=2).map(tuple),
        st.lists(st.builds(SpecialOpening, _DAYS, st.just((Band.parse("9-10"),))), max_size=1).map(
            tuple
        ),
        st.lists(_PERIODS, max_size=2).map(tuple),
        st.lists(_PERIODS, max_size=2).map(tuple),
        st.lists(st.builds(NewWeek, _DAYS, st.one_of(st.none(), _WEEKS)), max_size=2).map(
            lambda weeks: tuple(sorted(weeks, key=lambda each: each.since))
        ),
    ),
    st.datetimes(datetime(2026, 11, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - naive UTC
)
def test_days_that_are_passed_over_change_no_answer(schedule: Schedule, moment: datetime) -> None:
    """The same as when every day is made, whatever lies over an office that is always open."""
    at = moment.replace(tzinfo=UTC)
    found = schedule.at(at)
    with mock.patch.object(Schedule, "_is_like_the_next", return_value=False):
        assert schedule.at(at) == found


def test_next_open() -> None:
    """Open now is now; else the next opening; else never."""
    now = rome("2026-11-25 10:00")
    assert SWITCHBOARD_HOURS.next_open(now) == now
    assert SWITCHBOARD_HOURS.next_open(rome("2026-11-25 13:10")) == rome("2026-11-25 14:00")
    assert Schedule(ROME, week_of()).next_open(now) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)), st.integers(0, 90_000))  # noqa: DTZ001 - naive UTC
def test_nothing_changes_before_the_next_change(moment: datetime, later: int) -> None:
    """Until `changes_at` the answer stands, at it the answer is another; asked in any zone."""
    at = moment.replace(tzinfo=UTC)
    state = SWITCHBOARD_HOURS.at(at)
    assert state.changes_at is not None
    assert state.flips_at is not None
    assert at < state.changes_at <= state.flips_at
    probe = min(at + timedelta(seconds=later), state.changes_at - timedelta(seconds=1))
    between = SWITCHBOARD_HOURS.at(probe)
    assert (between.open, between.why, between.name) == (state.open, state.why, state.name)
    changed = SWITCHBOARD_HOURS.at(state.changes_at)
    assert (changed.open, changed.why, changed.name) != (state.open, state.why, state.name)
    assert SWITCHBOARD_HOURS.at(state.flips_at).open is not state.open


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Closure(datetime(2026, 1, 2), datetime(2026, 1, 2)), "ends before it starts"),  # noqa: DTZ001
        (lambda: Closure(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2)), "local times"),  # noqa: DTZ001
        (lambda: SpecialOpening(date(2026, 1, 1), ()), "has no hours"),
        (
            lambda: SpecialOpening(date(2026, 1, 1), (Band.parse("9-12"), Band.parse("11-13"))),
            "begins before",
        ),
        (
            lambda: Period(date(2026, 2, 1), date(2026, 1, 1), Words(), week_of()),
            "ends before it starts",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: object, complaint: str) -> None:
    """A closure, opening or period that cannot be says so when the configuration is read."""
    assert callable(make)
    with pytest.raises(ConfigurationError, match=complaint):
        make()
