"""The console speaks the reader's language, and has a sentence for everything it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from appliance.console.say import LANGUAGES, Speaker, choose_language, load_catalogues
from appliance.policy.text import Words
from tests.console.visitor import Visitor
from tests.docs.pages import ROOT

CONSOLE = ROOT / "appliance" / "console"
ROME = ZoneInfo("Europe/Rome")
_SAID = re.compile(r"""(?<!\w)(?:_|N_)\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_PLURAL = re.compile(r"""(?<!\w)plural\(\s*"((?:[^"\\]|\\.)*)"\s*,\s*"((?:[^"\\]|\\.)*)\"""")
_TABLES = re.compile(
    r'^    (?:\d{3}: )"([^"]+)",$|^[A-Z_]+: Final = "([^"\']*[ ][^"]*\.)"$', re.MULTILINE
)


def said() -> Iterator[tuple[str, str]]:
    """Yield every sentence that templates and pages say, with its file."""
    for path in sorted([*CONSOLE.rglob("*.py"), *CONSOLE.rglob("*.html")]):
        text = path.read_text(encoding="utf-8")
        found = [m.group(1) or m.group(2) for m in _SAID.finditer(text)]
        found += [m.group(1) for m in _PLURAL.finditer(text)]
        if path.name in ("process.py", "guards.py"):
            found += [m.group(1) or m.group(2) for m in _TABLES.finditer(text)]
        for sentence in found:
            yield sentence, str(path.relative_to(CONSOLE))


def speaker(language: str) -> Speaker:
    """Return who speaks a language in Rome's time."""
    return Speaker(language, ROME, load_catalogues()[language])


def test_every_sentence_has_its_italian() -> None:
    """Nothing that a page says is missing from the Italian catalogues."""
    known = load_catalogues()["it"]
    sentences = list(said())
    assert len(sentences) > 15
    assert [one for one in sentences if one[0] not in known] == []


def test_no_catalogue_has_what_nobody_says() -> None:
    """A sentence that is said no more is taken out."""
    spoken = {sentence for sentence, _ in said()}
    assert sorted(set(load_catalogues()["it"]) - spoken) == []


def test_catalogues_agree_with_each_other_and_with_their_sentences() -> None:
    """Two catalogues never translate one sentence in two ways; what is filled in is the same."""
    seen: dict[str, str] = {}
    for path in sorted((CONSOLE / "locale" / "it").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="it"):
                if message.id:
                    ids, strings = forms(message.id), forms(message.string)
                    assert seen.setdefault(ids[0], strings[0]) == strings[0], path.name
                    for one, other in zip(ids, strings, strict=True):
                        assert _values(one) == _values(other), path.name


def forms(text: object) -> tuple[str, ...]:
    """Return a message's one form, or its two."""
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


def _values(sentence: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\w", sentence))


@pytest.mark.parametrize(
    ("wanted", "accepted", "offered", "expected"),
    [
        (None, "", ("it", "en"), "it"),
        (None, "en-GB,en;q=0.9", ("it", "en"), "en"),
        (None, "fr,en;q=0.3,it;q=0.8", ("it", "en"), "it"),
        (None, "de", ("en", "it"), "en"),
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
    assert english.words(Words("sì", "yes")) == "yes"


def test_numbers_choose_their_form() -> None:
    """One call, two calls; a sentence without a translation is said in English."""
    known = {"%(number)s call": ("%(number)s chiamata", "%(number)s chiamate")}
    italian = Speaker("it", ROME, known)
    said = [italian.plural("%(number)s call", "%(number)s calls", n) for n in (0, 1, 2)]
    assert said == ["0 chiamate", "1 chiamata", "2 chiamate"]
    assert Speaker("en", ROME, {}).plural("%(number)s call", "%(number)s calls", 2) == "2 calls"
    assert italian("Hello %(name)s", name="Ada") == "Hello Ada"


def test_languages_are_those_of_the_house() -> None:
    """Every language of the house can be spoken."""
    assert set(load_catalogues()) == set(LANGUAGES) == {"it", "en"}
