"""docs/phones: every row names a test that exists, and every test of real phones has its row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, guide, headings, read, rows, spans
from tests.helpers import baresip, kamailio, linphone, sipp

REAL = (
    *(ROOT / "tests/interop").glob("test_*.py"),
    ROOT / "tests/system/test_tcp_phones.py",
    ROOT / "tests/system/test_phone_control.py",
)
SHOWN = {"en": "What was shown", "it": "Che cosa è stato mostrato"}
KNOWN = {"en": "Phones and telephone systems that were tried", "it": "Telefoni e centrali provati"}
LANGUAGES = ("it", "en")


def names_in(files: Iterable[Path]) -> set[str]:
    """Return the names of all tests in some files."""
    texts = [path.read_text(encoding="utf-8") for path in files]
    return {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_test_of_real_phones_has_its_row(language: str) -> None:
    """And no row names a test that is not there."""
    table = rows(guide("phones", language), SHOWN[language])
    named = {name for row in table for name in spans(row[2])}
    assert named == names_in(REAL)


def test_both_languages_have_the_same_rows() -> None:
    """The tests stand in the same order, with the same phones."""
    it, en = (
        [
            (row[2], row[1].replace("dietro", "behind"))
            for row in rows(guide("phones", lang), SHOWN[lang])
        ]
        for lang in LANGUAGES
    )
    assert it == en
    levels = [[level for level, _ in headings(guide("phones", lang))] for lang in LANGUAGES]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_packages_are_those_that_are_tested(language: str) -> None:
    """Each phone's Debian package is the one that the tests ask for, and is installed for them."""
    table = rows(guide("phones", language), KNOWN[language])
    packages = [spans(row[2])[0] for row in table]
    assert packages == [baresip.PACKAGE, linphone.PACKAGE, kamailio.PACKAGE, sipp.PACKAGE]
    wanted = read(ROOT / "scripts" / "packages.sh").split()
    assert set(packages) <= {word.strip('"') for word in wanted}
