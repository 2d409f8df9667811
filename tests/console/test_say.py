"""The console speaks the reader's language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from starlette.requests import Request

from appliance.console.say import LANGUAGE_NAMES, Speaker, choose_language
from appliance.console.templates import environment, page_values
from tests.console.visitor import Visitor
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")


def speaker(language: str) -> Speaker:
    """Return who speaks a language in Rome's time."""
    return Speaker(language, ROME)


@pytest.mark.parametrize(
    ("wanted", "accepted", "offered", "expected"),
    [
        (None, "", ("it", "en"), "it"),
        (None, "en-GB,en;q=0.9", ("it", "en"), "en"),
        (None, "fr,en;q=0.3,it;q=0.8", ("it", "en"), "it"),
        (None, "fr", ("en", "it"), "en"),
        (None, "de-IT,it;q=0.9", ("it", "de"), "de"),
        ("en", "it", ("it", "en"), "en"),
        ("xx", "it", ("it", "en"), "it"),
        ("en", "en", ("it",), "it"),
        (None, "it;q=x,en", ("it", "en"), "en"),
        (None, "", ("xx",), "it"),
    ],
)
def test_the_language_is_the_readers(
    wanted: str | None, accepted: str, offered: tuple[str, ...], expected: str
) -> None:
    """Chosen by the person, else by the browser, else the site's first."""
    assert choose_language(wanted, accepted, offered) == expected


def test_a_chosen_language_stays(visitor: Visitor) -> None:
    """The choice lasts from page to page, whatever the browser would like, and leads back."""
    answer = visitor.post("/language", data={"language": "en", "next": "/alive"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/alive")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert '<html lang="en">' in visitor.get("/", headers={"accept-language": "it"}).text


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nX: y"]
)
def test_a_choice_of_language_never_leads_elsewhere(visitor: Visitor, path: str) -> None:
    """A form that names another site as its way back leads to the first page."""
    answer = visitor.post("/language", data={"language": "en", "next": path})
    assert answer.headers["location"] == "/"


def test_an_unknown_language_is_not_kept(visitor: Visitor) -> None:
    """Only languages of the house are kept in the cookie."""
    answer = visitor.post("/language", data={"language": "<script>"})
    assert "set-cookie" not in answer.headers


def test_words_days_and_times() -> None:
    """Times are the office's own, written as the language writes them."""
    at = datetime(2026, 11, 26, 8, 5, tzinfo=UTC)
    italian, english = speaker("it"), speaker("en")
    assert italian.moment(at) == "gio 26 novembre, 09:05"
    assert italian.day(date(2026, 1, 2)) == "ven 2 gennaio 2026"
    assert english.clock(at) == "09:05"
    assert english.words(pair("sì", "yes")) == "yes"


def test_what_ends_at_midnight_ends_on_the_day_before() -> None:
    """Nobody reads "until Tuesday, 00:00" as the end of Monday; also where a clock is put on."""
    italian, english = speaker("it"), speaker("en")
    midnight = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert italian.is_midnight(midnight)
    assert italian.end(midnight) == "lun 30 novembre, 24:00"
    assert english.end(midnight) == "Mon 30 November, 24:00"
    assert italian.end(midnight - timedelta(hours=1)) == "lun 30 novembre, 23:00"
    before_summer = datetime(2027, 3, 27, 23, 0, tzinfo=UTC)
    assert italian.end(before_summer) == "sab 27 marzo, 24:00"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2026, 11, 30, 12, 0, tzinfo=UTC), "fino a mezzanotte"),
        (datetime(2026, 11, 29, 12, 0, tzinfo=UTC), "fino a lun 30 novembre, 24:00"),
    ],
)
def test_a_page_says_until_midnight(visitor: Visitor, now: datetime, said: str) -> None:
    """Tonight's by its name, another one with its day."""
    request = Request({"type": "http", "app": visitor.app, "headers": [], "path": "/"})
    request.state.speaker = speaker("it")
    shared = page_values(request)
    times = environment().get_template("switchboard/times.html").make_module(dict(shared))
    midnight = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
    assert times.until(midnight, now) == said  # type: ignore[attr-defined]


def test_numbers_choose_their_form() -> None:
    """One call, two calls; a sentence without a translation is said in English."""
    italian = speaker("it")
    said = [italian.plural("{number} call", "{number} calls", n) for n in (0, 1, 2)]
    assert said == ["0 chiamate", "1 chiamata", "2 chiamate"]
    assert speaker("en").plural("{number} call", "{number} calls", 2) == "2 calls"
    assert italian("Hello {name}", name="Ada") == "Hello Ada"


def test_a_capital_letter_leaves_the_nouns_of_german_as_they_are() -> None:
    """On buttons: „5 Sekunden zurück“, „Montag“."""
    made = environment().from_string(
        '{{ "5 Sekunden zurück"|capitalize }} {{ "lunedì"|capitalize }}'
    )
    assert made.render() == "5 Sekunden zurück Lunedì"


def test_each_language_is_named_in_itself() -> None:
    """Every language of the catalogue is offered under its own name, Italian first."""
    assert list(LANGUAGE_NAMES.items()) == [
        ("it", "Italiano"),
        ("de", "Deutsch"),
        ("en", "English"),
    ]
