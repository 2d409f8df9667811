"""Days and times as people write and read them, in one format."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from appliance.policy.hours import (
    WITH_ARTICLE,
    WITH_OF,
    clock_phrase,
    day_phrase,
    day_phrase_words,
    day_words,
    moment_phrase,
    moment_words,
    month_words,
    read_day,
    read_moment,
)
from appliance.policy.text import Refused
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2026, 11, 30, 12, 0, tzinfo=ROME)


def test_one_format_in_both_languages() -> None:
    """The year is left out where it goes without saying."""
    assert moment_words(NOON, "it") == "lun 30 novembre 2026, 12:00"
    assert moment_words(NOON, "en", year=False) == "Mon 30 November, 12:00"
    assert day_words(date(2027, 1, 3), "it") == "dom 3 gennaio 2027"
    assert day_words(date(2027, 1, 3), "xx") == "Sun 3 January 2027"
    assert day_words(date(2027, 8, 7), "en", year=False) == "Sat 7 August"


def test_german_days_have_a_comma_a_dot_and_their_prepositions() -> None:
    """„Mo, 30. November 2026, 12:00“; within a sentence „am 1. Dezember um 12:00 Uhr“."""
    first = date(2026, 12, 1)
    assert moment_words(NOON, "de") == "Mo, 30. November 2026, 12:00"
    assert day_words(first, "de", year=False) == "Di, 1. Dezember"
    assert day_phrase("am", first, "de", year=False) == "am 1. Dezember"
    assert day_phrase("bis", date(2026, 11, 11), "de") == "bis 11. November 2026"
    assert moment_phrase("vom", NOON, "de", year=False) == "vom 30. November um 12:00 Uhr"
    assert month_words(first, "de") == "Dezember 2026"
    assert read_day("Morgen", first) == date(2026, 12, 2)
    assert read_day("heute", first) == first


def test_an_article_stands_where_a_language_has_one() -> None:
    """English names the day alone where Italian needs an article or a preposition."""
    the, of = (day_phrase_words(word, date(2026, 11, 8)) for word in (WITH_ARTICLE, WITH_OF))
    assert the == pair("l'8 novembre 2026", "8 November 2026")
    assert of == pair("dell'8 novembre 2026", "8 November 2026")


def test_articles_are_those_of_the_number_that_is_read() -> None:
    """L'8, dall'11, il 1°, all'una; English puts its word before, and changes none."""
    eighth, first = date(2026, 11, 8), date(2026, 12, 1)
    assert day_phrase("il", eighth, "it") == "l'8 novembre 2026"
    assert day_phrase("fino al", date(2026, 11, 11), "it") == "fino all'11 novembre 2026"
    assert day_phrase("", eighth, "it", year=False) == "8 novembre"
    assert day_phrase("dal", first, "it") == "dal 1° dicembre 2026"
    assert day_phrase("on", eighth, "en") == "on 8 November 2026"
    assert day_phrase("", first, "en", year=False) == "1 December"
    assert moment_phrase("del", NOON, "it") == "del 30 novembre 2026 alle 12:00"
    assert moment_phrase("of", NOON, "en", year=False) == "of 30 November at 12:00"
    assert moment_phrase("dal", NOON.replace(hour=1), "it").endswith("2026 all'01:00")
    assert clock_phrase("dalle", NOON.replace(hour=1), "it") == "dall'01:00"
    assert clock_phrase("since", NOON.replace(hour=1), "en") == "since 01:00"
    assert month_words(eighth, "it") == "novembre 2026"
    assert month_words(eighth, "en") == "November 2026"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("oggi", date(2026, 11, 30)),
        ("Today", date(2026, 11, 30)),
        ("domani", date(2026, 12, 1)),
        (" tomorrow ", date(2026, 12, 1)),
        ("2026-12-05", date(2026, 12, 5)),
        ("5/12/2026", date(2026, 12, 5)),
        ("05.12.2026", date(2026, 12, 5)),
    ],
)
def test_days_are_read_as_people_write_them(text: str, day: date) -> None:
    """Word, Italian, or as programmes write them."""
    assert read_day(text, NOON.date()) == day


@pytest.mark.parametrize(
    ("text", "hour", "day"),
    [
        ("14:30", 14, 30),
        ("9.30", 9, 30),
        ("domani 8:30", 8, 1),
        ("2026-12-01T08:30", 8, 1),
        ("1/12/2026, 08:30", 8, 1),
        ("1/12/2026 08:30:00", 8, 1),
    ],
)
def test_times_are_the_sites(text: str, hour: int, day: int) -> None:
    """Whatever zone the machine has: the present says which one is meant."""
    found = read_moment(text, NOON)
    assert (found.day, found.hour, found.minute) == (day, hour, 30)
    assert found.utcoffset() == NOON.utcoffset()


def test_a_time_that_is_skipped_is_the_one_after_the_gap() -> None:
    """On the night the clock is put forward."""
    march = datetime(2026, 3, 28, 12, 0, tzinfo=ROME)
    assert read_moment("domani 2:30", march) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "25", "25:00", "12:60", "31/2/2026 9:00", "ieri 9:00", "9:00 oggi"]
)
def test_what_is_no_time_is_refused_with_what_can_be_written(text: str) -> None:
    """In both languages."""
    with pytest.raises(Refused, match="write") as refused:
        read_moment(text, NOON)
    assert "si scrive" in refused.value.words.text("it")


def test_the_zone_must_be_known() -> None:
    """A fixed offset cannot tell when the clock is changed."""
    with pytest.raises(TypeError, match="zone"):
        read_moment("9:00", datetime(2026, 11, 30, tzinfo=UTC))
