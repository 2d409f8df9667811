"""What `centralino line capacity` says of a traffic, in both languages."""

from __future__ import annotations

from appliance.policy.reports import (
    Capacity,
    LinesRow,
    PositionsRow,
    WantedService,
    capacity_of,
    capacity_table,
)
from appliance.text import Words


def said(traffic: float, lines: int = 0, wanted: WantedService | None = None) -> list[Words]:
    """Return the table for calls of three minutes."""
    return list(capacity_table(traffic, 180.0, wanted or WantedService(), lines))


def test_the_tables_go_to_one_more_than_is_enough() -> None:
    """1 erlang: 5 lines keep it below 1 %, 3 positions answer 80 % within 20 s."""
    rows = [words.text("en") for words in said(1.0)]
    assert [row.split() for row in rows[1:7]] == [
        ["1", "50.00", "%"],
        ["2", "20.00", "%"],
        ["3", "6.25", "%"],
        ["4", "1.54", "%"],
        ["5", "0.31", "%"],
        ["6", "0.05", "%"],
    ]
    assert rows[9].split() == ["2", "33.3", "%", "70.2", "%", "60.0", "s"]
    assert rows[-1].startswith("Lines: 5 (at most 1 % hear engaged). Positions: 3 ")


def test_as_many_positions_as_traffic_are_too_few() -> None:
    """The queue grows without end; the row says so in words, not by a figure."""
    first = said(1.0)[8]
    assert first.text("en").split()[:5] == ["1", "100.0", "%", "0.0", "%"]
    assert first.text("en").endswith("without end")
    assert first.text("it").endswith("senza fine")


def test_the_same_tables_in_figures() -> None:
    """A wait without end is no figure; the box's own lines are among the rows."""
    found = capacity_of(1.0, 180.0, WantedService(), 6)
    assert isinstance(found, Capacity)
    assert (found.lines_needed, found.positions_needed) == (5, 3)
    assert found.lines[1] == LinesRow(2, 20.0)
    assert [row.lines for row in found.lines] == [1, 2, 3, 4, 5, 6, 7]
    assert found.positions[:2] == (
        PositionsRow(1, 100.0, 0.0, None),
        PositionsRow(2, 33.3, 70.2, 60.0),
    )


def test_the_houses_own_lines_are_marked() -> None:
    """Also where there are more than are needed."""
    for lines in (2, 9):
        (marked,) = [words for words in said(1.0, lines) if words.text("en").endswith(" today")]
        assert marked.text("en").split()[0] == str(lines)
        assert marked.text("it").endswith(" oggi")


def test_what_is_wanted_is_told() -> None:
    """Other wishes, other figures, in both languages."""
    last = said(1.0, wanted=WantedService(0.05, 0.95, 30.0))[-1]
    assert last.text("it") == (
        "Linee: 4 (al massimo 5 % trova occupato). "
        "Postazioni: 4 (almeno 95 % ha risposta entro 30 s)."
    )
    assert "answered within 30 s" in last.text("en")
