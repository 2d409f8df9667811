"""docs/detection.md: its tables were made by the command that it names, and all aims are met."""

from __future__ import annotations

import re

import pytest

from appliance.calls.events import Evidence
from tests.detection import tables
from tests.detection.__main__ import BEGIN, END, PAGE, replaced
from tests.docs.pages import read, rows, spans

MADE = {table.heading: table for table in tables.all_tables()}


def test_the_page_says_when_and_where_it_was_measured() -> None:
    """Date, command, machine and Python stand above the figures."""
    measured = read(PAGE).split(BEGIN)[1].split(END)[0]
    pattern = r"Measured on \d+ \w+ \d{4} by `python -m tests.detection` on .+ cores.+Python 3\."
    assert re.search(pattern, measured)


@pytest.mark.parametrize("heading", MADE)
def test_each_table_has_the_rows_and_columns_of_the_command(heading: str) -> None:
    """A condition that was added, renamed or dropped makes the page stale."""
    heads, names = tables.outline(MADE[heading])
    found = rows(PAGE, heading)
    assert tuple(row[0] for row in found) == names
    assert all(len(row) == len(heads) for row in found)
    assert tables.line(heads) in read(PAGE)
    assert MADE[heading].words in read(PAGE)


@pytest.mark.parametrize("heading", MADE)
def test_every_aim_is_met(heading: str) -> None:
    """The last column of every row."""
    assert {row[-1] for row in rows(PAGE, heading)} == {"met"}


def test_every_evidence_is_explained() -> None:
    """What a record may say of a call's end stands in the page, once."""
    told = [spans(row[0])[0] for row in rows(PAGE, "By what the end of a call is noticed")]
    assert set(told) == {evidence.value for evidence in Evidence}
    assert len(told) == len(Evidence)


def test_measuring_again_replaces_what_was_measured() -> None:
    """`--write` leaves the rest of the page alone."""
    assert replaced(f"a{BEGIN}\nold\n{END}b", "new") == f"a{BEGIN}\n\nnew\n\n{END}b"
