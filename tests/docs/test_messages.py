"""The reference of messages holds every trouble and notice of the code, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from scripts import draw_messages
from scripts.draw_messages import Module, Unreadable
from tests.docs.pages import ROOT, guide, read, rows, spans

LANGUAGES = tuple(draw_messages.TITLES)
SOURCES = {path: read(path) for path in sorted((ROOT / "appliance").rglob("*.py"))}


def codes(language: str) -> set[str]:
    """Return the codes that a page explains."""
    return {spans(row[0])[0] for row in rows(guide("messages", language), heading(language))}


def heading(language: str) -> str:
    """Return the heading over the troubles."""
    return draw_messages.TROUBLES[language][0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_what_the_code_gives(language: str) -> None:
    """A message that is new, changed or gone is drawn anew: python -m scripts.draw_messages."""
    assert read(guide("messages", language)) == draw_messages.page(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_that_is_written_out_is_there(language: str) -> None:
    """Found by another way than the page is drawn: the text right after `Trouble(`."""
    written = {
        code
        for text in SOURCES.values()
        for code in re.findall(r'\bTrouble\(\s*"([a-z_.]+)"', text)
    }
    assert len(written) > 30
    assert written - codes(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_the_page_is_in_the_code(language: str) -> None:
    """No message stays on the page that nobody says any more."""
    everything = "\n".join((*SOURCES.values(), *map(read, image_scripts())))
    ends = {code: re.split(r"[.:]", code)[-1].strip("…") for code in codes(language)}
    assert [code for code, end in ends.items() if end not in everything] == []


def image_scripts() -> list[Path]:
    """List the image's scripts, which say notices, too."""
    return [path for path in sorted(draw_messages.IMAGE.iterdir()) if path.is_file()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_of_the_image_is_read(language: str) -> None:
    """As many as its scripts write, whatever their form."""
    text = "\n".join(map(read, image_scripts()))
    written = re.findall(r'/notice" [a-z-]+ \\$|\bwait_for "', text, re.MULTILINE)
    assert len(written) > 5
    assert len(list(draw_messages.image_notices(language))) == len(written)


def test_every_notice_of_the_programme_is_known() -> None:
    """Each call of `post_notice` has its texts in POSTED."""
    calls = sum(len(re.findall(r"\.post_notice\(", text)) for text in SOURCES.values())
    assert calls == len(draw_messages.POSTED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str) -> None:
    """No English sentence stands on another language's page."""
    english = draw_messages.all_reasons() + draw_messages.all_notices()
    english += tuple(one for words in draw_messages.all_troubles().values() for one in words)
    same = [
        one
        for one in english
        if draw_messages.shown(one, language) == draw_messages.shown(one, "en")
    ]
    assert (same == []) == (language != "en")


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ('Trouble("a.b", words)', "words of a.b"),
        ("Trouble(code, _('x'))", "code code"),
        ("Trouble(code(), _('x'))", r"code code\(\)"),
    ],
)
def test_a_trouble_that_cannot_be_read_is_an_error(source: str, wrong: str) -> None:
    """It is not left out of the page (the check can fail)."""
    module = Module(Path("x.py"), ast.parse(source), {})
    with pytest.raises(Unreadable, match=wrong):
        list(draw_messages.troubles(module))


def test_the_words_nearest_before_a_trouble_are_its_own() -> None:
    """Also those of a constant, of a walrus, and of a function's answer."""
    source = """
CODE = "c"
LATE = _("late {when}")

def wanted():
    return _("set it up")

def of():
    words = counted("one", "many", 2)
    if x:
        return Trouble(f"{CODE}.one", words)
    words = _("else")
    if (wrong := wanted()):
        return Trouble(CODE, stop(wrong))
    return Trouble("a" if x else "b", LATE.filled(when=_("now")) if y else words)
"""
    tree = ast.parse(source)
    module = Module(Path("x.py"), tree, dict(draw_messages.assigned(tree.body)))
    assert list(draw_messages.troubles(module)) == [
        ("c.one", ("many",)),
        ("c", ("set it up",)),
        ("a", ("late {when}", "else")),
        ("b", ("late {when}", "else")),
    ]
