"""Weekly bands: what can be written, what is refused and how that is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from appliance.errors import ConfigurationError
from appliance.policy.hours import MIDNIGHT, Band, Week, check_bands, week_of

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "band", "shown"),
    [
        ("08:30-13:00", Band(time(8, 30), time(13)), "08:30-13:00"),
        ("8-13", Band(time(8), time(13)), "08:00-13:00"),
        (" 14:00 - 24:00 ", Band(time(14), MIDNIGHT), "14:00-24:00"),
        ("0-24", Band(MIDNIGHT, MIDNIGHT), "00:00-24:00"),
        ("22:00-0:00", Band(time(22), MIDNIGHT), "22:00-24:00"),
    ],
)
def test_a_band_is_read_as_people_write_it(text: str, band: Band, shown: str) -> None:
    """Hours with or without minutes; a band may last until 24:00."""
    assert Band.parse(text) == band
    assert str(band) == shown


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("8:30", "write it as 08:30-13:00"),
        ("9-25", "'25' is no time of day"),
        ("9-24:30", "'24:30' is no time of day"),
        ("x-13", "'x' is no time of day"),
        ("24-24", "'24' is no time of day"),
        ("13-8", "the end must come after the start"),
        ("9-9", "the end must come after the start"),
    ],
)
def test_a_wrong_band_says_what_is_wrong(text: str, complaint: str) -> None:
    """A typing mistake is named with its text and what was expected."""
    with pytest.raises(ConfigurationError, match=complaint):
        Band.parse(text)


@pytest.mark.parametrize(
    ("start", "end"), [(time(8, tzinfo=UTC), time(9)), (time(8), time(9, tzinfo=UTC))]
)
def test_a_band_is_local(start: time, end: time) -> None:
    """A band with a time zone would mean two things on two days of the year."""
    with pytest.raises(ConfigurationError, match="local times"):
        Band(start, end)


def test_a_band_until_midnight_ends_the_next_day() -> None:
    """24:00 is the first moment of the next day."""
    naive = (datetime(2026, 11, 23, 14), datetime(2026, 11, 24))  # noqa: DTZ001 - local times
    assert Band.parse("14-24").on(MONDAY) == naive


@pytest.mark.parametrize("texts", ["8-13 12-18", "14-18 8-12", "8-24 9-10"])
def test_bands_of_a_day_do_not_overlap(texts: str) -> None:
    """Bands stand in order; one that begins before the last has ended is a mistake."""
    with pytest.raises(ConfigurationError, match="begins before"):
        check_bands(tuple(map(Band.parse, texts.split())), "monday")


def test_bands_may_touch() -> None:
    """One band may begin when the one before ends."""
    check_bands((Band.parse("8-12"), Band.parse("12-18")), "monday")


def test_a_week_has_seven_days() -> None:
    """A week of another length is refused, an unknown day's name as well."""
    with pytest.raises(ConfigurationError, match="seven days, not 6"):
        Week(((),) * 6)
    with pytest.raises(ConfigurationError, match="'domenica' is no weekday"):
        week_of(domenica="9-12")
    with pytest.raises(ConfigurationError, match="day 2 of the week"):
        week_of(tuesday="8-13 12-18")


def test_a_day_that_is_not_named_is_closed() -> None:
    """Only what is written is open."""
    hours = week_of(monday="8:30-13:00 14-18")
    assert hours.bands_on(MONDAY) == (Band.parse("8:30-13"), Band.parse("14-18"))
    assert hours.bands_on(date(2026, 11, 24)) == ()
    assert hours.ever_opens
    assert not week_of().ever_opens
