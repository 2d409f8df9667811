"""The journal as a technician carries it away: its end, masked; or why there is none, in words."""

from __future__ import annotations

import asyncio
import sqlite3
import sys

import pytest

from appliance.console.pages import system
from appliance.console.pages.system import NoJournal
from appliance.policy.numbering import MASK
from tests.console import people
from tests.console.visitor import Visitor


def said(code: str) -> tuple[str, ...]:
    """Return a command that stands for journalctl."""
    return (sys.executable, "-c", code)


def read(code: str, limit: float = 20.0) -> str:
    """Read what it says."""
    return asyncio.run(system.read_journal(said(code), limit))


def test_numbers_are_masked() -> None:
    """P7: what is handed over holds no number."""
    assert read("print('call from 051234567')") == f"call from {MASK}\n"


def test_only_the_end_of_a_long_journal_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In whole lines."""
    monkeypatch.setattr(system, "JOURNAL_LIMIT_BYTES", 10)
    assert read("print('first\\nsecond\\nthird')") == "third\n"


@pytest.mark.parametrize("code", ["", "raise SystemExit(1)"])
def test_an_empty_journal_is_none(code: str) -> None:
    """A box without systemd, or without the right to read: said, not an empty file."""
    with pytest.raises(NoJournal, match="no journal"):
        read(code)


def test_where_the_programme_is_missing_there_is_none() -> None:
    """A container, another system."""
    with pytest.raises(NoJournal, match="no journal"):
        asyncio.run(system.read_journal(("/nowhere/journalctl",)))


def test_a_journal_that_takes_too_long_is_left() -> None:
    """Its process is ended, the console goes on."""
    with pytest.raises(NoJournal, match="in time"):
        read("import threading; threading.Event().wait()", limit=0.2)


def test_it_is_handed_over_as_a_file(
    visitor: Visitor, records: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the technician alone; without a journal the page says why."""
    del records
    visitor.log_in(people.CARLA)
    assert visitor.get("/plant/log").status_code == 403
    visitor.log_in(people.BEPPE)
    whole = system.read_journal

    async def here() -> str:
        return await whole(said("print('051234567 <rang>')"))

    monkeypatch.setattr(system, "read_journal", here)
    answer = visitor.get("/plant/log")
    assert answer.text == f"{MASK} <rang>\n"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"].startswith('attachment; filename="centralino-')

    async def gone() -> str:
        raise NoJournal(system.NO_JOURNAL)

    monkeypatch.setattr(system, "read_journal", gone)
    answer = visitor.get("/plant/log", headers={"accept-language": "it"})
    assert answer.status_code == 503
    assert "registro di sistema" in answer.text
