"""The address book is changed at the control socket by who may edit it; a number told is noted with
its call.
"""

from __future__ import annotations

import functools
import queue
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.address_book import BookCommands
from appliance.api.call_control import CallControlAccess
from appliance.calls import events
from appliance.calls.switchboard import Switchboard
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.users import Role, User
from appliance.service.stores import Stores
from appliance.store import address_book, call_log, database, users
from appliance.store.database import Noted
from appliance.store.users import ChangeRequester
from tests.calls.examples import KNOWN, RANG, TEN, records, tell, up
from tests.helpers.wire import wire
from tests.store.samples import a_call
from tests.stories.offices import ROME

TODAY = TEN.wall.astimezone(ROME).date()
HASH = "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43
AUSL = BookEntry(
    "ausl", "Azienda USL", "anna", date(2026, 1, 25), TODAY,
    (BookNumber("800 884 888", "CUP"),), note="Nota.",
)  # fmt: skip
PEOPLE = (
    User("anna", "Anna Verdi", frozenset({Role.HEAD})),
    User("carla", "Carla Blu", frozenset({Role.OPERATOR})),
)
FORM = {"name": "Poste", "numbers": [{"number": "803160", "may_tell": True}]}


@dataclass
class Box:
    """Call control's side of the address book, with what was posted to it."""

    stores: Stores
    switchboard: Switchboard
    posted: list[Any]

    @property
    def office(self) -> Any:
        """The office."""
        return self.switchboard.office

    def now(self) -> Any:
        """Say when it is."""
        return TEN

    def status(self) -> Any:
        """Say what people see."""
        return self.switchboard.status(TEN)

    def post(self, event: events.Event) -> None:
        """Note it."""
        self.posted.append(event)

    def ask(self, ask: str, **question: Any) -> Any:
        """Ask, and wait for the answer; raises what is answered instead."""
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        known = BookCommands(self.stores, cast(CallControlAccess, self), ROME).known
        later = known[ask]({"ask": ask, **question})
        assert callable(later)
        later(told.put)
        answer = wire(told.get(timeout=10))
        if isinstance(answer, CentralinoError):
            raise answer
        return answer

    def refused(self, ask: str, **question: Any) -> str:
        """Ask what is refused, and return why in English."""
        answer = self.ask(ask, **question)
        assert answer["done"] is False
        return str(answer["said"]["en"])

    def kept(self, code: str) -> BookEntry | None:
        """Return an entry."""
        return self.stores.records.ask(lambda c: address_book.find(c, code))


def _enter(connection: sqlite3.Connection, user: User, asked: ChangeRequester) -> None:
    users.add(connection, user, HASH, asked)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores with one entry, a head and an operator."""
    posted: list[Any] = []
    stores = Stores(tmp_path / "state", "b", posted.append, lambda *_: None)
    stores.start()
    asked = ChangeRequester("test", TEN.wall, shell=True)
    for user in PEOPLE:
        stores.records.ask(functools.partial(_enter, user=user, asked=asked))
    noted = Noted(TEN.wall, "anna", address_book.CHANGED, "ausl")
    stores.records.ask(lambda c: address_book.put(c, AUSL, noted))
    yield Box(stores, up(), posted)
    stores.stop(lambda: None)


def test_an_entry_is_saved(box: Box) -> None:
    """A new one gets its code; a changed one is checked by who saves it; both are audited."""
    saved = box.ask("book_save", by="anna", form=FORM)
    assert (saved["code"], saved["said"]["it"]) == (
        "poste", "«Poste» salvato: la postazione lo trova subito.",
    )  # fmt: skip
    box.ask("book_save", by="anna", form=FORM | {"code": "ausl", "name": "AUSL"})
    entry = box.kept("ausl")
    assert entry is not None
    assert (entry.name, entry.checked_on, entry.check_by) == (
        "AUSL", TODAY, TODAY + timedelta(days=365),
    )  # fmt: skip
    found = box.stores.records.ask(lambda c: database.latest(c, "book."))
    assert [(each.by, each.about) for each in found[:2]] == [("anna", "ausl"), ("anna", "poste")]


def test_what_is_wrong_is_said_at_its_field(box: Box) -> None:
    """Nothing is kept; an office's number never is (P7), its neighbour after a confirmation."""
    (public, *_rest) = box.office.public_numbers
    form = {"name": "", "numbers": [{"number": f"{public[:-2]}77"}]}
    answer = box.ask("book_save", by="anna", form=form)
    assert {each["place"] for each in answer["problems"]} == {"name", "numbers.1.number", "anyway"}
    saved = box.ask("book_save", by="anna", form=form | {"name": "X", "anyway": True})
    assert box.kept(saved["code"])
    assert "no entry 'inps'" in box.refused("book_save", by="anna", form=FORM | {"code": "inps"})


@pytest.mark.parametrize("ask", ["book_save", "book_remove", "book_confirm"])
def test_who_may_edit(box: Box, ask: str) -> None:
    """The head alone."""
    given = {"form": FORM} if ask == "book_save" else {"code": "ausl"}
    assert "does not include" in box.refused(ask, by="carla", **given)
    assert box.kept("ausl") == AUSL


def test_an_entry_is_confirmed_and_removed(box: Box) -> None:
    """Still right: to be checked again after as long as before. One that holds no more is not."""
    assert "still right" in box.ask("book_confirm", by="anna", code="ausl")["said"]["en"]
    entry = box.kept("ausl")
    assert entry is not None
    assert (entry.checked_on, entry.check_by) == (TODAY, TODAY + (TODAY - date(2026, 1, 25)))
    over = replace(AUSL, last=TODAY - timedelta(days=1))
    noted = Noted(TEN.wall, "anna", address_book.CHANGED, "ausl")
    box.stores.records.ask(lambda c: address_book.put(c, over, noted))
    assert "holds no more" in box.refused("book_confirm", by="anna", code="ausl")
    assert "removed" in box.ask("book_remove", by="anna", code="ausl")["said"]["en"]
    assert box.kept("ausl") is None
    assert "no entry" in box.refused("book_remove", by="anna", code="ausl")


def told_with(box: Box, call: str) -> tuple[str, ...]:
    """Return the entries noted with a call."""
    record = box.stores.records.ask(lambda c: call_log.find_call(c, call))
    assert record is not None
    return record.told


def test_a_number_told_is_noted_with_the_call(box: Box) -> None:
    """With the one that is named, or that the position is in or has just ended."""
    call = records(tell(box.switchboard, TEN, RANG, KNOWN))[-1].call
    ended = replace(a_call("a-1"), phone="op1", ended_at=TEN.wall.astimezone(UTC),
                    rang_at=TEN.wall)  # fmt: skip
    given = (a_call(call), ended)
    box.stores.records.ask(lambda c: call_log.upsert_calls(c, given, "b"))
    answer = box.ask("book_told", entry="ausl", call=call)
    assert answer["call"] == call
    assert answer["said"]["it"].startswith("Numero di «Azienda USL» detto")
    assert told_with(box, call) == ("ausl",)
    assert events.NumberTold(call, "ausl") in box.posted
    assert box.ask("book_told", entry="ausl", position="op1")["call"] == "a-1"
    assert told_with(box, "a-1") == ("ausl",)


def test_what_is_not_noted(box: Box) -> None:
    """Without a call, of no entry, without a number to tell, of one that holds no more."""
    with pytest.raises(OfficeError, match="one of the two"):
        box.ask("book_told", entry="ausl")
    with pytest.raises(OfficeError, match="in no call"):
        box.ask("book_told", entry="ausl", position="op1")
    assert "no entry" in box.refused("book_told", entry="inps", position="op1")
    noted = Noted(TEN.wall, "anna", address_book.CHANGED, "ausl")
    for entry, why in (
        (replace(AUSL, numbers=(replace(AUSL.numbers[0], may_tell=False),)), "no number"),
        (replace(AUSL, last=TODAY - timedelta(days=1)), "holds no more"),
    ):
        box.stores.records.ask(functools.partial(address_book.put, entry=entry, noted=noted))
        assert why in box.refused("book_told", entry="ausl", position="op1")
