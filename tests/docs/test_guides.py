"""The guides say the same in both languages, and what they say of the box is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import build
from appliance.config.schema import PanelPins
from appliance.media import port
from appliance.modem import port_server, scripts
from appliance.policy.office import KEY_CODES
from appliance.policy.text import NO_RIGHT
from appliance.store import database
from appliance.store.database import Trouble
from appliance.text import Words
from appliance.voicemail import storage
from tests.docs.pages import (
    GUIDES,
    PAGES,
    REQUIREMENTS,
    code_of,
    guide,
    headings,
    name_of,
    read,
    rows,
)

LANGUAGES = ("it", "en")
WORDS = {"sentences": (port, scripts), "troubles": (database, storage, build)}
CHANGES = ("Security", "Removed", "Deprecated", "Added", "Changed", "Fixed")


@pytest.mark.parametrize("name", GUIDES)
def test_both_languages_have_the_same_chapters(name: str) -> None:
    """Italian and English have the same headings in number and depth."""
    it, en = ([level for level, _ in headings(guide(name, lang))] for lang in LANGUAGES)
    assert it == en


@pytest.mark.parametrize("name", GUIDES)
def test_both_languages_have_the_same_tables(name: str) -> None:
    """Italian and English have tables of the same number of rows, in the same order."""
    it, en = (re.findall(r"^\||\n\n", read(guide(name, lang)), re.MULTILINE) for lang in LANGUAGES)
    assert it == en


@pytest.mark.parametrize("name", GUIDES)
def test_both_languages_name_the_same_commands(name: str) -> None:
    """What is typed is the same in Italian and English, but for the words of a note and the
    language that a command is asked for.
    """
    it, en = (
        sorted(
            {
                re.sub(r'"[^"]*"|(?<=--language )(it|en)\b', "", code)
                for code in code_of(guide(name, lang))
                if "centralino" in code
            }
        )
        for lang in LANGUAGES
    )
    assert it == en


@pytest.mark.parametrize("language", LANGUAGES)
def test_key_codes_are_those_of_the_policy(language: str) -> None:
    """Operators are told each key code, and none that does nothing."""
    told = {c for c in code_of(guide("operator", language)) if re.fullmatch(r"\*\d+", c)}
    assert told == {code.digits for code in KEY_CODES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pins_of_the_wiring_are_those_delivered(language: str) -> None:
    """Who wires by the guide wires what the configuration as delivered drives."""
    pins = PanelPins()
    single = (pins.ready, pins.network, pins.messages, pins.fault)
    wanted = [*map(str, single), ", ".join(map(str, pins.lines)), str(pins.unattended_button), ""]
    page = read(guide("box", language))
    table = page[page.index("GPIO (BCM)") :].split("\n\n", 1)[0].splitlines()[2:]
    assert [row.split("|")[2].strip() for row in table] == wanted


def said() -> Iterator[Words]:
    """Yield every sentence that the journal or `centralino status` may show of a fault."""
    for modules in WORDS.values():
        for module in modules:
            yield from (
                v
                for v in vars(module).values()
                # NO_RIGHT is the answer to a command that was typed without `sudo`, no fault
                if isinstance(v, Words) and v is not NO_RIGHT
            )
            yield from (v.words for v in vars(module).values() if isinstance(v, Trouble))
    yield scripts.no_answer_words("…", "")
    yield scripts.bad_answer_words("…", "…", "")
    yield scripts.no_end_words("")
    yield port_server._missing("…")
    yield port_server._busy("…", ["…"])
    yield port_server._no_permission("…")
    yield port_server._broken("…", "")


def beginning(text: str) -> str:
    """Return a sentence up to its first stop, which is how the guides quote it."""
    return re.split(r"[:;,(.]", text)[0].strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_a_fault_is_explained(language: str) -> None:
    """A technician who reads a sentence finds it among the messages, or among those on which there
    is a word more to say.
    """
    quoted = set(quotes("messages", language)) | set(quotes("troubles", language))
    wanted = {beginning(s.text(language)) for s in said()} - {""}
    assert len(wanted) > 20
    assert {w for w in wanted if not any(q.startswith(w) for q in quoted)} == set()


def quotes(name: str, language: str) -> Iterator[str]:
    """Yield the sentences that a page's tables quote, as it writes them."""
    for line in read(guide(name, language)).splitlines():
        for cell in re.split(r" \| | / ", line.strip("| ")) if line[:1] == "|" else ():
            yield cell.strip()


def test_the_state_of_every_promise_is_told() -> None:
    """P1 to P9 and B1 to B9 stand in the table once each, as done, partly or later."""
    table = rows(REQUIREMENTS, "What works today")
    names = [f"{letter}{number}" for letter in "PB" for number in range(1, 10)]
    assert [row[0] for row in table] == names
    assert [row[2] for row in table if not re.match(r"(done|partly|later)\b", row[2])] == []


def sections(text: str) -> Iterator[list[str]]:
    """Yield the kinds of change of each version in a changelog."""
    for version in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        yield re.findall(r"^### (.+)$", version, re.MULTILINE)


def test_the_changelog_keeps_its_order() -> None:
    """Kinds of change come in one order, one sentence a line."""
    text = read(PAGES[1])
    for kinds in sections(text):
        assert kinds == sorted(kinds, key=CHANGES.index)
    entries = [line for line in text.splitlines() if line.startswith("- ")]
    assert [e for e in entries if not e.endswith(".") or ". " in e.rstrip(".")] == []
    assert entries


@pytest.mark.parametrize(
    "path", [guide(n, lang) for n in GUIDES for lang in LANGUAGES], ids=name_of
)
def test_guides_link_to_their_other_language(path: Path) -> None:
    """Each guide leads to the same guide in the other language."""
    other = (
        path.name.replace(".it.", ".en.")
        if ".it." in path.name
        else path.name.replace(".en.", ".it.")
    )
    assert f"]({other})" in read(path)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["operator", "office", "technician", "box"])
def test_no_guide_puts_off_what_it_describes(name: str, language: str) -> None:
    """Whoever reads that a page "comes later" does not look for the one that is there."""
    put_off = re.compile(
        r"viene dopo|comes later|oggi ancora|still goes through|non fa ancora|manca ancora"
        r"|does not do yet|Not there yet"
    )
    assert put_off.findall(read(guide(name, language))) == []


@pytest.mark.parametrize(("language", "page"), [("it", "Messaggi"), ("en", "Messages")])
def test_the_office_guide_says_where_messages_are_heard(language: str, page: str) -> None:
    """The page first, as most desks have a browser; then the telephone's code."""
    text = read(guide("office", language))
    where = text.index(
        f"*{page}*", text.index("\n## Segreteria" if language == "it" else "\n## Voicemail")
    )
    assert where < text.index("`*86`", where) < where + 200
