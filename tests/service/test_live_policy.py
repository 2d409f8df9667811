"""The directory as call control has it: read when it changed, else the last one holds."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.errors import CentralinoError
from appliance.policy.clock import Now
from appliance.policy.directory import Authorisation, Directory, TransferHindrance, target_to_tell
from appliance.policy.directory_changes import merge_directory
from appliance.policy.sheets import OfficialInCharge, Sheet
from appliance.policy.transfers import TransferLater, may_transfer
from appliance.service.live_policy import LiveDirectory, directory_in_one_line, directory_summary
from appliance.store import directory as store
from appliance.store import sheets
from appliance.store.database import Trouble
from appliance.store.directory import Who, key_path
from appliance.store.writer import DatabaseWriter
from tests.helpers.words import pair
from tests.policy.small_directory import (
    APPOINTMENT,
    CALENDAR,
    EMAIL,
    TOWN,
    declaration,
    entry,
    rome,
)
from tests.stories.offices import ROME

NOW = rome("2026-11-25 10:00")
AT = Now(0.0, NOW)
WHO = Who("Responsabile", NOW, "import")


class Held:
    """A live directory with its records, and what it told."""

    def __init__(self, folder: Path) -> None:
        path = folder / "centralino.db"
        self.key = key_path(path)
        self.records = DatabaseWriter(path, "boot").start()
        self.posted: list[events.Event] = []
        self.troubles: list[Trouble | None] = []
        self.live = LiveDirectory(self.records, self.key, self.posted.append, self.troubles.append)

    def trouble(self) -> str:
        """Return the code of the trouble that is shown, "" for none."""
        last = self.troubles[-1]
        return last.code if last else ""

    def said(self) -> str:
        """Return what it says, in both languages."""
        last = self.troubles[-1]
        return f"{last.words.text('it')} {last.words.text('en')}" if last else ""

    def store(self, directory: Directory) -> None:
        """Import a directory, as a command does."""
        self.records.ask(
            lambda c: store.change(
                c, self.key, WHO, lambda stored: merge_directory(stored, directory), {}
            )
        )

    def turn(self) -> None:
        """Have it look once, as the records' thread does."""
        self.records.ask(self.live.look)

    def load(self) -> Directory | CentralinoError:
        """Have it read, and wait."""
        told: queue.SimpleQueue[Directory | CentralinoError] = queue.SimpleQueue()
        self.live.load(told.put)
        return told.get(timeout=10)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """A live directory on empty records."""
    made = Held(tmp_path)
    yield made
    made.records.stop(10)


def test_what_was_entered_is_told_to_call_control(held: Held) -> None:
    """Also an empty directory, and without the entries of units that are gone."""
    assert held.load() == Directory()
    held.store(TOWN)
    assert held.load() == TOWN
    held.store(replace(TOWN, units=(TOWN.units[0],), declarations=()))
    fewer = Directory((TOWN.units[0],))
    assert held.load() == fewer
    assert held.posted == [events.DirectoryChanged(r) for r in (Directory(), TOWN, fewer)]
    assert held.troubles == [None, None, None]


def test_who_is_in_charge_goes_along(held: Held) -> None:
    """E10: whom sheets make public, as of the last import; not those of sheets that are gone."""
    day = date(2026, 11, 25)
    known = (
        Sheet("a", "A", "anagrafe", "S", day, "", ("residenza",), official="Ada Neri"),
        Sheet("b", "B", "anagrafe", "S", day, ""),
    )
    held.records.ask(lambda c: sheets.store(c, known))
    held.load()
    held.records.ask(lambda c: sheets.store(c, known[1:]))
    held.load()
    told = [event.officials for event in held.posted if isinstance(event, events.DirectoryChanged)]
    assert told == [(OfficialInCharge("anagrafe", "Ada Neri", ("residenza",)),), ()]


def test_one_that_cannot_be_read_leaves_the_last_in_force(held: Held) -> None:
    """The trouble is shown until it can be read again; looking goes on."""
    held.store(TOWN)
    held.load()
    damage = "UPDATE register_entries SET body = replace(body, '\"first\"', '\"tsrif\"')"
    mend = "UPDATE register_entries SET body = replace(body, '\"tsrif\"', '\"first\"')"
    held.records.ask(lambda c: c.executescript(f"DROP TRIGGER register_entries_stay; {damage}"))
    assert isinstance(held.load(), CentralinoError)
    assert held.live.directory == TOWN
    assert len(held.posted) == 1
    assert held.trouble() == "register.unreadable"
    assert "the one read last holds: entry 1" in held.said()
    held.records.ask(lambda c: c.executescript(mend))
    assert held.load() == TOWN
    assert held.trouble() == ""


def test_a_key_that_goes_while_call_control_runs_costs_nothing(held: Held) -> None:
    """What was read once is known until call control starts anew: it is said in time."""
    held.store(TOWN)
    held.load()
    kept = held.key.read_bytes()
    held.key.unlink()
    held.turn()
    assert held.live.directory == TOWN
    assert held.trouble() == "register.key_missing"
    held.key.write_bytes(kept)
    held.turn()
    assert held.live.directory == TOWN
    assert held.trouble() == ""


def test_without_the_key_rules_hold_and_its_return_is_seen(tmp_path: Path) -> None:
    """P5, P6: call control that starts without it opens the offices' rules; nobody need tell it
    more.
    """
    first = Held(tmp_path)
    first.store(TOWN)
    kept = first.key.read_bytes()
    first.key.unlink()
    first.records.stop(10)
    held = Held(tmp_path)
    try:
        held.turn()
        assert held.live.directory.units == TOWN.units
        answer = may_transfer(held.live.directory, CALENDAR, "anagrafe", "residenza", AT)
        assert isinstance(answer, TransferLater)
        assert (answer.why, answer.rules) == (TransferHindrance.NUMBERS, (APPOINTMENT, EMAIL))
        assert held.trouble() == "register.numbers_unreadable"
        assert "register.key" in held.said()
        held.key.write_bytes(kept)
        held.turn()
        assert held.live.directory == TOWN
        assert held.trouble() == ""
    finally:
        held.records.stop(10)


def test_a_change_that_nobody_told_is_found(held: Held) -> None:
    """E12: a command may be killed between its commit and its word to call control."""
    held.turn()
    held.store(TOWN)
    held.turn()
    held.turn()  # nothing new: nothing is told
    assert held.posted == [events.DirectoryChanged(r) for r in (Directory(), TOWN)]


def test_one_that_cannot_be_read_is_told_when_it_is_found(held: Held) -> None:
    """The records' thread tries again in a while: looking raises."""
    held.turn()
    held.store(TOWN)
    damage = "UPDATE register_entries SET body = '{}'"
    held.records.ask(lambda c: c.executescript(f"DROP TRIGGER register_entries_stay; {damage}"))
    with pytest.raises(CentralinoError, match="entry 1 of the register cannot be read"):
        held.turn()
    assert held.trouble() == "register.unreadable"
    assert held.live.directory == Directory()


LEAVE = Authorisation(
    entry(3), "anagrafe", target_to_tell("051 598204"), "D", None, date(2026, 11, 20)
)
SOON = replace(LEAVE, entry=entry(4), told=target_to_tell("051 598205"), last=date(2026, 12, 1))
BUSY = replace(
    TOWN,
    declarations=(replace(declaration(2), last=date(2026, 12, 5)),),
    authorisations=(LEAVE, SOON),
)


def test_what_status_says() -> None:
    """Units, those without a declaration, what runs out: codes and days, no number."""
    assert directory_summary(BUSY, NOW, ROME) == {
        "units": 3,
        "undeclared": ["demografici", "statocivile"],
        "expiring": [{"unit": "anagrafe", "last": "2026-12-05"}],
        "authorisations_expiring": [4],
        "authorisations_expired": [3],
    }
    assert directory_in_one_line(BUSY, NOW, ROME) == pair(
        "3 tra servizi e uffici; senza comunicazione valida: demografici, statocivile; "
        "comunicazioni in scadenza: anagrafe (5 dicembre 2026); autorizzazioni in scadenza: 4 "
        "(1° dicembre 2026); autorizzazioni scadute: 3",
        "3 services and offices; without a valid declaration: demografici, statocivile; "
        "declarations running out: anagrafe (5 December 2026); authorisations running out: 4 "
        "(1 December 2026); authorisations that ran out: 3",
    )


def test_an_empty_register_says_what_that_means() -> None:
    """A box whose directory nobody has imported yet."""
    assert (
        directory_in_one_line(Directory(), NOW, ROME).text("en")
        == "empty: nothing can be transferred"
    )
