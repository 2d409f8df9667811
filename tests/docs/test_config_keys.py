"""Every key of the configuration has its sentence in each language, and the pages are current."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import schema
from appliance.config.keys import office, telephony
from appliance.config.keys.__main__ import main, schema_name
from appliance.config.keys.catalogue import KEYS, is_required, places
from appliance.config.keys.limits import LIMITS
from appliance.config.keys.page import NAMES, page
from appliance.text import ENGLISH, LANGUAGES, Words, _
from tests.docs.pages import guide, read

LONGEST = 45
"""Words of a sentence."""


def told(words: Words, language: str) -> list[str]:
    """Name what is wrong with a key's sentence in one language."""
    text = words.text(language)
    wrong = []
    if not text.endswith(".") or ". " in text:
        wrong.append("is not one sentence")
    if len(text.split()) > LONGEST:
        wrong.append("is too long")
    if language != ENGLISH and text == words.text(ENGLISH):
        wrong.append("is not translated")
    return wrong


def test_every_key_is_described() -> None:
    """The sentences have each key of the schema once, and no other; so have the limits."""
    written = [place.dotted for place in places()]
    assert len(written) == len(set(written)) > 150
    assert sorted(written) == sorted(KEYS)
    assert set(LIMITS) <= set(KEYS)
    assert not set(office.KEYS) & set(telephony.KEYS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_has_one_sentence_in_each_language(language: str) -> None:
    """One that is missing, too long or not translated is named."""
    assert {n: told(k.words, language) for n, k in KEYS.items() if told(k.words, language)} == {}


def test_a_sentence_that_is_missing_is_seen() -> None:
    """One without an end, of two sentences, or in English alone (the check can fail)."""
    assert told(_("Nobody says this"), "en") == ["is not one sentence"]
    assert told(_("Nobody says. This."), "it") == ["is not one sentence", "is not translated"]
    assert told(_("a " * LONGEST + "b."), "en") == ["is too long"]


@pytest.mark.parametrize("language", NAMES)
def test_the_reference_pages_are_current(language: str) -> None:
    """`python -m appliance.config.keys docs` writes what is there."""
    assert read(guide("configuration", language)) == page(language)


def test_the_pages_are_written(tmp_path: Path) -> None:
    """One page a language of the guide, each with every key; a schema in every language."""
    main(tmp_path)
    assert all((tmp_path / "schemas" / schema_name(each)).is_file() for each in LANGUAGES)
    for language in NAMES:
        text = (tmp_path / f"configuration.{language}.md").read_text(encoding="utf-8")
        assert [name for name in KEYS if f"| `{name}` |" not in text] == []


def test_the_walk_finds_what_is_nested() -> None:
    """Tables, arrays of tables and plain values are all found, with their defaults."""
    found = {place.dotted: place for place in places()}
    assert is_required(found["site.patron"])
    assert (
        found["lines.identity_limit"].default
        == schema.Line.__dataclass_fields__["identity_limit"].default
    )
    assert found["sip.registrar.address"].table == "sip.registrar"
    assert found["citizens_desk.hours"].default is None
    assert found["panel.lines"].is_list
    assert not found["hours"].is_list


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("site.patron", "| `site.patron` | month and day | required | Day of the town's patron"),
        ("sip.rtp_ports", "| list of two ports | `[16000, 16199]` |"),
        ("clock.holdover_days", "| days, 1 to 60 | `7` |"),
        ("calls.longest", "| seconds, 600 to 86400 | `14400.0` |"),
        ("switchboard.ring", "| seconds, at most 3600 | `25.0` |"),
        ("backup.keep", "| backups, 1 or more | `7` |"),
        ("voicemail.pin", '| `"others"`, `"always"` | `"others"` |'),
        ("sip.laws", '| list of: `"alaw"`, `"ulaw"` |'),
        ("sip.allowed", "| list: text | `[]` |"),
        ("citizens_desk.hours", "| table of weekdays | derived: `hours` |"),
        ("lines.pbx_pause", "| seconds, 0 to 10 | `0.0` |"),
    ],
)
def test_a_row_says_value_and_default(name: str, row: str) -> None:
    """Its words, or its unit with bounds; required, the default, or what it is derived from."""
    rows = [line for line in page(ENGLISH).splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert row in rows[0]


def test_about_half_of_the_keys_are_advanced() -> None:
    """What an ordinary office leaves out does not stand among what it writes."""
    advanced = [name for name, key in KEYS.items() if key.is_advanced]
    assert len(advanced) > 50
    assert "site.name" not in advanced
    assert [name for name in advanced if is_required_of(name) and "registrar" not in name] == []


def is_required_of(name: str) -> bool:
    """Tell whether the file must have a key."""
    return next(is_required(place) for place in places() if place.dotted == name)
