"""One catalogue of texts: complete in every language, and nothing in it that nobody says."""

from __future__ import annotations

import ast
import functools
import re
import string
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from appliance import text as catalogue
from appliance.__main__ import main
from appliance.commands.help import texts as help_texts
from appliance.commands.tree import SERVICES
from appliance.text import (
    ENGLISH,
    LANGUAGES,
    LOCALE,
    NOTHING,
    Words,
    _,
    by_language,
    counted,
    decimal_words,
    in_context,
    joined,
    languages_in,
    stored,
    unchanged,
    written,
)
from appliance.text.__main__ import compile_catalogue, compiled, is_current
from tests.docs.pages import ROOT

SHIPPED = ("appliance", "hw_tests")
MARKS = {"_", "N_", "sentence"}
COUNTED = {"counted", "plural"}
TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]
_TEMPLATE = re.compile(r"""(?<!\w)_\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_TEMPLATE_PLURAL = re.compile(
    r"""(?<!\w)plural\(\s*"((?:[^"\\]|\\.)*)"\s*,\s*"((?:[^"\\]|\\.)*)\""""
)
_NAME = re.compile(r"\{(\w+)[^{}]*\}")
# Tables of the console whose English sentences are translated where they are shown.
_TABLES = re.compile(
    r'^    (?:\d{3}: )"([^"]+)",$|^[A-Z_]+: Final = "([^"\']*[ ][^"]*\.)"$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text that the code says: its id, where it stands, and the values it is given."""

    context: str
    msgid: str
    place: str
    values: frozenset[str] = frozenset()


def texts_of(source: str, place: str) -> Iterator[Said]:
    """Yield the texts that a Python source says."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name
        constants = [
            argument.value
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        ]
        at = f"{place}:{node.lineno}"
        values = frozenset(keyword.arg or "" for keyword in node.keywords)
        if name in MARKS and isinstance(node.func, ast.Name) and constants:
            yield Said("", constants[0], at, values)
        elif name in COUNTED and len(constants) >= 2:
            yield Said("", constants[0], at, values | {"number"})
        elif name == "in_context" and len(constants) == 2:
            yield Said(constants[0], constants[1], at, values)


@functools.cache
def said() -> tuple[Said, ...]:
    """Return every text of the product."""
    found: list[Said] = []
    for path in sorted(path for name in SHIPPED for path in (ROOT / name).rglob("*.py")):
        place, source = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        if not place.startswith("appliance/text/"):
            found += texts_of(source, place)
        if path.name in ("process.py", "guards.py") and path.parent.name == "console":
            found += [Said("", m[1] or m[2], place) for m in _TABLES.finditer(source)]
    for path in sorted((ROOT / "appliance").rglob("*.html")):
        place, source = str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        for pattern in (_TEMPLATE, _TEMPLATE_PLURAL):
            found += [Said("", m[1] or m[2], place) for m in pattern.finditer(source)]
    top = click.Context(main)
    services = ((main.get_command(top, name), name) for name in SERVICES)
    for command, *words in ((main,), *services):
        assert isinstance(command, click.Command)
        found += [Said("", text, place) for text, place in help_texts(command, *map(str, words))]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a catalogue: id and translation, each in one form or in two."""

    file: str
    context: str
    ids: tuple[str, ...]
    strings: tuple[str, ...]


@functools.cache
def entries(language: str) -> tuple[Entry, ...]:
    """Read a language's catalogue from its sources."""
    found: list[Entry] = []
    for path in sorted((LOCALE / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                forms = _forms(message.id), _forms(message.string)
                found.append(Entry(path.name, message.context or "", *forms))
    # Not the header of each file, whose id is empty.
    return tuple(entry for entry in found if entry.ids[0])


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


def test_italian_comes_first_whatever_languages_there_are(tmp_path: Path) -> None:
    """Pages and pickers begin with it; a language before it in the alphabet changes nothing."""
    for name in ("it", "de", "sl"):
        (tmp_path / name).mkdir()
    (tmp_path / "centralino.pot").touch()
    assert languages_in(tmp_path) == ("it", "de", "sl", "en")


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_its_translation(language: str) -> None:
    """Nothing that the product says is missing from a language's catalogue."""
    known = {(entry.context, entry.ids[0]) for entry in entries(language) if all(entry.strings)}
    texts = said()
    assert len(texts) > 2000
    assert [one for one in texts if (one.context, one.msgid) not in known] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_catalogue_has_what_nobody_says(language: str) -> None:
    """A text that is said no more is taken out."""
    spoken = {(one.context, one.msgid) for one in said()}
    listed = [(entry.context, entry.ids[0]) for entry in entries(language)]
    assert sorted(set(listed) - spoken) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_text_stands_once(language: str) -> None:
    """Two sources never hold one id: they could translate it in two ways."""
    times = Counter((entry.context, entry.ids[0]) for entry in entries(language))
    assert [key for key, number in times.items() if number > 1] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_use_the_values_of_their_text(language: str) -> None:
    """A translation fills in what its text is given, and nothing else; none has broken braces."""
    given: dict[tuple[str, str], set[str]] = {}
    for one in said():
        given.setdefault((one.context, one.msgid), set()).update(one.values)
    wrong = []
    for entry in entries(language):
        own = given.get((entry.context, entry.ids[0]), set())
        for own_id, form in zip(entry.ids, entry.strings, strict=True):
            # Texts that are filled in elsewhere, as on pages, have the names of their id; in one
            # that never is, braces are what they are.
            fits = (
                names_in(form) <= own | names_in(own_id)
                if own
                else set(_NAME.findall(form)) <= set(_NAME.findall(own_id))
            )
            if not fits:
                wrong.append((entry.file, form))
    assert wrong == []


def names_in(text: str) -> set[str]:
    """Return the names that a text fills in; raises ValueError for broken braces."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


def test_the_finder_sees_each_way_of_saying() -> None:
    """A text is found wherever it is said, with its context and its values."""
    source = (
        'a = _("one")\nb = in_context("x", "two {n}", n=1)\n'
        'c = counted("{number} cat", "{number} cats", 3)\nd = page.plural("1", "2", 3)\n_(name)\n'
    )
    assert [(one.context, one.msgid, sorted(one.values)) for one in texts_of(source, "f")] == [
        ("", "one", []),
        ("x", "two {n}", ["n"]),
        ("", "{number} cat", ["number"]),
        ("", "1", ["number"]),
    ]


# --- the texts themselves -----------------------------------------------------------------------


def test_a_text_is_in_the_readers_language() -> None:
    """The same text, in Italian and in English; one without a translation, in English."""
    words = _("no line is configured")
    assert (words.text("it"), str(words)) == (
        "nessuna linea configurata",
        "no line is configured",
    )
    assert _("nobody says this").text("it") == "nobody says this"
    assert words.text("xx") == "no line is configured"
    assert repr(words).startswith("Words(it='nessuna linea configurata', de='")
    assert repr(words).endswith(", en='no line is configured')")


def test_what_an_older_version_stored_is_read_in_english() -> None:
    """A language that came since finds the English text; nothing is refused for it."""
    told = stored({"it": "gatto", "en": "cat"})
    assert (told.text("it"), told.text("en"), told.text("xx")) == ("gatto", "cat", "cat")
    assert {told.text(each) for each in LANGUAGES} == {"gatto", "cat"}
    with pytest.raises(KeyError):
        stored({"it": "gatto"})


def test_values_are_filled_in_where_the_text_is_read() -> None:
    """A value that is a text itself is in the reader's language; braces without values stay."""
    what = written({"it": "gatto", "en": "cat"})
    words = _("{n:03d} {what} {day:%d}", n=7, what=what, day=date(2026, 11, 30))
    assert (words.text("it"), words.text("en")) == ("007 gatto 30", "007 cat 30")
    assert str(_("{a}")) == "{a}"
    assert str(_("{a} {b}", a=1).filled(b=2)) == "1 2"
    assert str(_("{} {}").filled(1, what)) == "1 cat"


def test_a_text_keeps_no_error_alive() -> None:
    """An object among the values is kept as what it says, not as itself."""
    assert _("{why}", why=OSError("away")).named == {"why": "away"}


def test_numbers_choose_their_form() -> None:
    """One and many, in each language's forms."""
    words = [counted("{number} call", "{number} calls", number) for number in (1, 2)]
    assert [str(one) for one in words] == ["1 call", "2 calls"]
    assert words[1].text("it") == "2 chiamate"


def test_one_english_may_have_several_translations() -> None:
    """A context tells two texts apart whose English is the same."""
    assert in_context("phones", "free").text("it") == "liberi"
    assert in_context("nowhere", "free").text("it") == "free"
    assert str(in_context("phones", "free")) == "free"


def test_written_texts_are_not_translated() -> None:
    """What somebody wrote is read as written; a language that is missing, in English."""
    assert written({"en": "hello"}).text("it") == "hello"
    assert written({"it": "ciao"}).text("en") == "ciao"
    assert written({"it": "", "en": "hello"}).text("it") == ""
    assert written({"it": "", "en": ""}) == NOTHING
    assert unchanged(12).by_language() == dict.fromkeys(LANGUAGES, "12")
    assert by_language(str.upper).text("it") == "IT"
    assert joined(", ", [unchanged("a"), written({"it": "b", "en": "c"})]).text("it") == "a, b"


def test_decimals_are_written_as_a_language_does() -> None:
    """A comma in Italian, a point in English and where nothing else is known."""
    assert [decimal_words(2.55, 1, language) for language in ("it", "en", "xx")] == [
        "2,5",
        "2.5",
        "2.5",
    ]


def test_texts_are_equal_that_read_the_same() -> None:
    """Texts are compared by what they say in every language."""
    assert written({"it": "a", "en": "b"}) == written({"en": "b", "it": "a"})
    assert written({"it": "a", "en": "b"}) != written({"it": "c", "en": "b"})
    assert {unchanged("a"), unchanged("a")} == {unchanged("a")}
    assert Words() != "no text"


# --- compiling ----------------------------------------------------------------------------------

PO = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "yes"
msgstr "sì"
"""


def test_a_changed_source_is_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is older than its sources is made again; without it a text is in English."""
    monkeypatch.setattr(catalogue, "LOCALE", tmp_path)
    monkeypatch.setattr("appliance.text.__main__.LOCALE", tmp_path)
    source = tmp_path / "it" / "a.po"
    source.parent.mkdir()
    source.write_text(PO, encoding="utf-8")
    assert not is_current("it")
    read = catalogue.translations.__wrapped__
    assert read("it").gettext("yes") == "yes"
    compile_catalogue("it")
    assert is_current("it")
    assert read("it").gettext("yes") == "sì"
    # Not the minute of its making: a package made later has the same bytes.
    assert read("it").info()["pot-creation-date"] == "2026-01-01 00:00+0000"
    assert compiled("it").stat().st_size < 500


SAYING = {"echo", "secho", "UsageError", "ClickException", "BadParameter", "TechnicianError"}
"""What a technician reads as it is: a terminal's line, or the sentence of an error."""
NOT_YET = ("appliance/simulator/phone/", "appliance/fieldtest/")
"""Development's own tools, and sentences that are still English."""


def literal(node: ast.expr) -> str:
    """Return the letters of a string or an f-string without what is filled in, "" for others."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return " ".join(str(p.value) for p in parts if isinstance(p, ast.Constant))
    return ""


def said_in_english_only(source: str, place: str) -> Iterator[str]:
    """Yield where a sentence is said that is no text of the catalogue."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else name
        if (
            name in SAYING
            and len(re.findall(r"(?<![.\w])[a-z]{2,}(?![.\w])", literal(node.args[0]))) >= 2
        ):
            yield f"{place}:{node.lineno}"


def test_no_sentence_is_said_in_english_only() -> None:
    """A terminal speaks its reader's language, and so does the sentence of an error."""
    found = [
        where
        for path in sorted((ROOT / "appliance").rglob("*.py"))
        if not (place := path.relative_to(ROOT).as_posix()).startswith(NOT_YET)
        for where in said_in_english_only(path.read_text(encoding="utf-8"), place)
    ]
    assert found == []


def test_a_sentence_in_english_only_is_seen() -> None:
    """In a string and in an f-string; a name, a value or a key of the file is no sentence."""
    told = "click.echo(f'the host {name} stays')\nraise TechnicianError('no port is free')\n"
    assert list(said_in_english_only(told, "a.py")) == ["a.py:1", "a.py:2"]
    for plain in ("f'{one}: {other}'", "f'site.voice = \"{voice}\"'", "_('no port is free')"):
        assert list(said_in_english_only(f"click.echo({plain})", "a.py")) == []
