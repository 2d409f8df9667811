"""Special hours at the control socket: by whom, previewed, in force when answered, kept over a
restart.
"""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api import users
from appliance.api.hours import HoursCommands
from appliance.calls import events
from appliance.calls.switchboard import Switchboard
from appliance.config.state_folder import speech_folder
from appliance.errors import CentralinoError, OfficeError, StoreError
from appliance.policy.clock import Now
from appliance.policy.hours_changes import HoursEntry
from appliance.policy.numbering import PLANS
from appliance.policy.office import Office
from appliance.policy.privacy import Disclosure
from appliance.policy.users import Role, User
from appliance.service.live_policy import LiveHours
from appliance.service.loop import CallControl
from appliance.service.stores import Stores
from appliance.store import database
from appliance.store import users as store_users
from appliance.store.database import Trouble
from appliance.store.users import ChangeRequester
from tests.api.test_sheets_changed import HASH
from tests.calls.examples import TEN, up
from tests.helpers.wire import wire
from tests.helpers.words import both
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.stories.offices import ROME

PEOPLE = (
    User("anna", "Anna Verdi", frozenset({Role.HEAD})),
    User("carla", "Carla Blu", frozenset({Role.OPERATOR})),
)
SUNDAY = datetime(2026, 11, 29, 10, 30, tzinfo=ROME)
FORM = {
    "first": "2026-11-29", "last": "", "whose": "house", "kind": "hours",
    "week": ["", "", "", "", "", "", "10-11"], "reason": "Voto", "reason_en": "Vote",
    "greeting": "", "reference": "mail, 8:05",
}  # fmt: skip

ENDS = {"number": 1, "reference": "sindaco"}


class Home:
    """Stands for call control: a switchboard that hears what is posted, at ten o'clock."""

    def __init__(self) -> None:
        self.switchboard: Switchboard = up()
        self.monotonic = 1000.0

    @property
    def office(self) -> Office:
        """The office, with the hours in force."""
        return self.switchboard.office

    def now(self) -> Now:
        """A little later at every question."""
        self.monotonic += 1
        later = TEN.wall.replace(microsecond=int(self.monotonic) - 1000)
        return Now(self.monotonic, later, TEN.clock_state)

    def hear(self, event: events.Event) -> None:
        """Hear a fact."""
        self.switchboard.handle(event, TEN)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the switchboard is open at a moment."""
        return self.office.switchboard.schedule.at(at).open


class Box:
    """Call control's side of special hours."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, Home()
        self.troubles: list[tuple[str, Trouble | None]] = []
        self.stores = Stores(
            folder,
            "b",
            self.home.hear,
            lambda kind, trouble: self.troubles.append((kind, trouble)),
        )
        self.stores.start()
        for user in PEOPLE:
            self.stores.records.ask(lambda c, user=user: _enter(c, user))  # type: ignore[misc]
        self.questions = HoursCommands(self.stores, cast(CallControl, self.home))

    def ask(self, ask: str, by: str = "anna", **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        later: Any = self.questions.known[ask]({"ask": ask, "by": by, **question})
        later(box.put)
        told = wire(box.get(timeout=5))
        if isinstance(told, CentralinoError):
            raise told
        return told


def _enter(connection: sqlite3.Connection, user: User) -> None:
    if store_users.find_user(connection, user.name) is None:
        store_users.add(connection, user, HASH, ChangeRequester("root", TEN.wall, shell=True))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Call control with its records."""
    made = Box(tmp_path)
    yield made
    made.stores.stop(lambda: None)


def test_a_sunday_is_previewed_then_saved(box: Box) -> None:
    """A preview changes nothing; saved, it holds when it is answered, and the audit has it."""
    told = box.ask("hours_enter", form=FORM, preview=True)
    assert told["saved"] is False
    assert told["changes"][0] == {
        "it": "dom 29 novembre 2026, Centralino: 10:00-11:00, «Voto» "
        "(prima 09:00-12:00, «Elezioni»)",
        # The group and the period have names in two languages here.
        "de": "So, 29. November 2026, Switchboard: 10:00-11:00, «Voto» "
        "(vorher: 09:00-12:00, «Elections»)",
        "en": "Sun 29 November 2026, Switchboard: 10:00-11:00, «Vote» "
        "(before: 09:00-12:00, «Elections»)",
    }
    assert box.home.is_open(SUNDAY.replace(hour=9))
    told = box.ask("hours_enter", form=FORM)
    assert (told["number"], told["said"]["en"]) == (1, "Saved: in force at once for new calls.")
    assert not box.home.is_open(SUNDAY.replace(hour=9))
    assert box.home.is_open(SUNDAY)
    found = box.stores.records.ask(lambda c: database.latest(c, "hours."))
    assert [(each.by, each.what) for each in found] == [("anna", "hours.enter")]


def test_what_was_entered_is_listed(box: Box) -> None:
    """Newest first, with who, when, on what ground, and whether it holds."""
    box.ask("hours_enter", form=FORM)
    box.ask("hours_enter", form=FORM | {"kind": "closed", "ends": "1"})
    told = box.ask("hours_ahead")
    assert told["today"] == "2026-11-25"
    shut, voted = told["entries"]
    assert (shut["number"], shut["ends"], shut["holds"], shut["closed"]) == (2, 1, True, True)
    assert voted | {"at": ""} == {
        "number": 1, "whose": "house", "first": "2026-11-29", "last": "2026-11-29",
        "reason": both("Voto", "Vote"), "week": ["", "", "", "", "", "", "10:00-11:00"],
        "closed": False, "greeting": "", "by": "anna", "at": "", "reference": "mail, 8:05",
        "ends": 0, "holds": False,
    }  # fmt: skip


def test_a_revocation_brings_back_what_held_before(box: Box) -> None:
    """It is an entry of its own; once ended, an entry cannot be ended again."""
    box.ask("hours_enter", form=FORM)
    told = box.ask("hours_revoke", form=ENDS, preview=True)
    assert "(prima 10:00-11:00, «Voto»)" in told["changes"][0]["it"]
    assert not box.home.is_open(SUNDAY.replace(hour=9))
    box.ask("hours_revoke", form=ENDS)
    assert box.home.is_open(SUNDAY.replace(hour=9))
    assert [each["holds"] for each in box.ask("hours_ahead")["entries"]] == [False, False]
    refused = box.ask("hours_revoke", form=ENDS)
    assert (refused["done"], "holds no longer" in refused["said"]["en"]) == (False, True)


def test_only_who_may_change_hours(box: Box) -> None:
    """An operator may not; the box's own shell may, and its name says so."""
    assert box.ask("hours_enter", by="carla", form=FORM)["done"] is False
    users.prepare_proof(box.folder)
    with users.proof(box.folder) as word:
        box.ask("hours_enter", by="root", form=FORM, proof=word)
    assert box.ask("hours_ahead")["entries"][0]["by"] == "shell: root"
    with pytest.raises(OfficeError, match="no proof"):
        box.ask("hours_enter", by="root", form=FORM, proof="guessed")


def test_every_mistake_stands_at_its_field(box: Box) -> None:
    """In both languages."""
    told = box.ask("hours_enter", form=FORM | {"first": "2026-11-01", "reference": ""})
    assert {each["place"] for each in told["problems"]} == {"first", "last", "reference"}
    assert all(each["it"] and each["en"] for each in told["problems"])


@pytest.mark.parametrize("field", ["reason", "reason_en"])
def test_no_reason_tells_a_number_that_its_office_keeps(box: Box, field: str) -> None:
    """P7: operators read it to callers; refused at its field, without repeating a digit."""
    kept = Disclosure(DIRECTORY, PLANS["it"], TEN.wall, ROME)
    box.stores.spoken.disclosure = lambda: kept
    form = FORM | {field: "Voto, chiami lo 0541–704 101"}
    for preview in (True, False):
        told = box.ask("hours_enter", form=form, preview=preview)
        assert [each["place"] for each in told["problems"]] == [field]
        assert "callers may not be told the number •••" in told["problems"][0]["en"]
        assert "704" not in f"{told}"
    assert box.ask("hours_ahead")["entries"] == []
    assert box.ask("hours_enter", form=FORM)["saved"]


def test_a_greeting_is_one_of_the_sites_own(box: Box) -> None:
    """Those the site recorded or had spoken are offered; ours for a closure may be named too."""
    folder = speech_folder(box.folder) / "it"
    folder.mkdir(parents=True)
    (folder / "closed_strike.wav").write_bytes(b"")
    assert box.ask("hours_ahead")["greetings"] == ["closed_strike"]
    for known in ("closed_strike", "greeting_special"):
        assert box.ask("hours_enter", form=FORM | {"greeting": known}, preview=True)["changes"]
    told = box.ask("hours_enter", form=FORM | {"greeting": "unit_anagrafe"})
    assert [each["place"] for each in told["problems"]] == ["greeting"]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ({"ask": "hours_enter", "by": "anna"}, "form is needed"),
        ({"ask": "hours_enter", "form": {}}, "by is needed"),
        ({"ask": "hours_revoke", "by": "anna", "form": {"number": "1"}}, "whole number"),
        ({"ask": "hours_revoke", "by": "anna", "form": {"number": True}}, "whole number"),
    ],
)
def test_what_is_no_question(box: Box, question: dict[str, Any], why: str) -> None:
    """One sentence says what is missing."""
    with pytest.raises(OfficeError, match=why):
        box.questions.known[question["ask"]](question)


def test_they_hold_after_a_restart(box: Box, tmp_path: Path) -> None:
    """Read at the start, before any call."""
    box.ask("hours_enter", form=FORM)
    box.stores.stop(lambda: None)
    again = Box(tmp_path)
    again.stores.records.ask(lambda _: None)
    assert not again.home.is_open(SUNDAY.replace(hour=9))
    assert again.stores.hours.over(up().office.switchboard.schedule).entered
    again.stores.stop(lambda: None)


def test_without_the_disk_what_was_read_last_holds(box: Box) -> None:
    """It is said until it can be read again."""
    box.ask("hours_enter", form=FORM)
    box.stores.records.ask(
        lambda c: c.execute(
            "INSERT INTO special_hours (number, entered_at, entered_by, reference, whose, body) "
            "VALUES (9, '2026-11-25', 'x', 'y', 'house', '{}')"
        )
    )
    told = box.ask("hours_enter", form=FORM | {"reason": "Altro"}, preview=True, by="carla")
    assert told["done"] is False
    heard: queue.SimpleQueue[tuple[HoursEntry, ...] | CentralinoError] = queue.SimpleQueue()
    box.stores.hours.load(heard.put)
    assert isinstance(heard.get(timeout=5), StoreError)
    assert box.home.is_open(SUNDAY)
    assert not box.home.is_open(SUNDAY.replace(hour=9))
    last = [trouble for kind, trouble in box.troubles if kind == "hours"][-1]
    assert last is not None
    assert last.code == "hours.unreadable"


def test_saved_but_not_read_again_is_said(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The head learns that what held before holds."""

    def failing(_: LiveHours, told: Any) -> None:
        told(StoreError("the card"))

    monkeypatch.setattr(LiveHours, "load", failing)
    assert "cannot read it again" in box.ask("hours_enter", form=FORM)["said"]["en"]


def test_records_that_were_put_back_are_read(box: Box) -> None:
    """The records' thread looks whether others have come."""
    box.ask("hours_enter", form=FORM)
    fresh: list[events.Event] = []
    live = LiveHours(box.stores.records, fresh.append, lambda _: None)
    box.stores.records.ask(live.look)
    box.stores.records.ask(live.look)
    assert [len(e.entered) for e in fresh if isinstance(e, events.HoursChanged)] == [1]  # type: ignore[arg-type]
    box.stores.records.ask(
        lambda c: c.execute(
            "INSERT INTO special_hours (number, entered_at, entered_by, reference, whose, body) "
            "VALUES (9, '2026-11-25', 'x', 'y', 'house', '{}')"
        )
    )
    with pytest.raises(CentralinoError):
        box.stores.records.ask(live.look)
