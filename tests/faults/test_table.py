"""The table of docs/reliability.md: every case has its row, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import suite
from tests.docs.pages import ROOT, rows, spans

PAGE = ROOT / "docs" / "reliability.md"
TABLE = rows(PAGE, "The cases")
OF_THE_IMAGE = {"F24"}
"""`make boots` says what came of it."""


def run_by_make_faults() -> list[Path]:
    """List the files of tests that `make faults` runs: its own folder's and those elsewhere."""
    named = [ROOT / path for path in suite.FAULTS]
    return [file for path in named for file in (sorted(path.rglob("test_*.py")) or [path])]


def told_of(paths: list[Path]) -> set[str]:
    """Return the cases of which a test in these files says a line of figures."""
    said = re.compile(r'figures\.say\(\s*f?"(F\d+) ')
    return {case for path in paths for case in said.findall(path.read_text("utf-8"))}


def is_there(named: str) -> bool:
    """Tell whether a test "file::function", or a file of tests, exists below tests/."""
    file, _, function = named.partition("::")
    path = ROOT / "tests" / file
    if not path.is_file():
        return False
    return not function or bool(re.search(rf"(?m)^def {function}\(", path.read_text("utf-8")))


def test_each_case_has_its_row() -> None:
    """F1 to F25, in order."""
    assert [row[0] for row in TABLE] == [f"F{n}" for n in range(1, 26)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_what_a_row_names_exists(row: list[str]) -> None:
    """A case names tests that are there, or says what is open."""
    named = spans(row[3])
    assert named or row[4].strip()
    assert [test for test in named if not is_there(test)] == []


def test_a_test_that_is_not_there_is_seen() -> None:
    """The check can fail: by the file, and by the function."""
    assert not is_there("faults/test_nothing.py")
    assert not is_there("faults/test_table.py::test_nothing_of_the_kind")
    assert is_there("faults/test_table.py::test_each_case_has_its_row")


def test_make_faults_says_a_line_of_each_case() -> None:
    """None of the cases goes without its figure, but the image's, which has a rig of its own."""
    cases = {row[0] for row in TABLE}
    assert cases - told_of(run_by_make_faults()) == OF_THE_IMAGE


def test_a_case_without_a_figure_is_seen() -> None:
    """The check can fail: what only another file says is none of `make faults`."""
    files = [path for path in run_by_make_faults() if path.name != "test_entries.py"]
    assert "F22" not in told_of(files)
