"""The directory is changed at the control socket by who has the right; in force when it is answered
(E12).
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.api.directory import DirectoryCommands, DirectoryQueries
from appliance.calls import events
from appliance.errors import CentralinoError, OfficeError, StoreError
from appliance.policy.clock import Now
from appliance.policy.directory import Directory
from appliance.policy.directory_changes import merge_directory
from appliance.policy.numbering import PLANS
from appliance.policy.privacy import Disclosure
from appliance.policy.users import Role, User
from appliance.service.loop import CallControl
from appliance.service.stores import Stores
from appliance.store import database, users
from appliance.store import directory as store
from appliance.store.database import Noted
from appliance.store.directory import Who
from appliance.store.users import ChangeRequester
from tests.calls.examples import TEN, up
from tests.helpers.wire import wire
from tests.policy.small_directory import TOWN
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.stories.offices import ROME

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PEOPLE = (
    User("anna", "Anna Verdi", frozenset({Role.HEAD})),
    User("vice", "Vito Ceri", frozenset({Role.DEPUTY})),
    User("carla", "Carla Blu", frozenset({Role.OPERATOR})),
    User("gone", "Gino Once", frozenset({Role.HEAD})),
)
VARIED = {"unit": "anagrafe", "hours": "11-12", "reference": "e-mail di Rossi, 8:05"}
DECLARED = {
    "unit": "statocivile",
    "declared_by": "Dirigente",
    "reference": "Protocollo 7",
    "week": ["9-12"],
    "rules": ["email"],
    "needs": [{"name": "Nascite", "numbers": [{"reach": "outside", "number": "051598204"}]}],
}


@dataclass
class Box:
    """Call control's side of the directory."""

    stores: Stores
    questions: DirectoryCommands
    standing: DirectoryQueries
    posted: list[events.Event] = field(default_factory=list)

    def ask(self, ask: str, by: str = "anna", **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        told: queue.SimpleQueue[Any] = queue.SimpleQueue()
        known = self.questions.known | self.standing.known
        answer = known[ask]({"ask": ask, "by": by, **question})
        if not callable(answer):
            return wire(answer)
        answer(told.put)
        result = wire(told.get(timeout=10))
        if isinstance(result, CentralinoError):
            raise result
        return result

    def refused(self, ask: str, by: str = "anna", **question: Any) -> Any:
        """Ask what is refused in both languages."""
        answer = self.ask(ask, by, **question)
        assert answer["done"] is False
        assert answer["said"]["it"]
        assert answer["said"]["en"]
        return answer

    @property
    def directory(self) -> Directory:
        """The directory that call control was last told."""
        told = [e.directory for e in self.posted if isinstance(e, events.DirectoryChanged)]
        assert isinstance(told[-1], Directory)
        return told[-1]

    def audited(self) -> list[Noted]:
        """List the directory's changes, newest first."""
        return list(self.stores.records.ask(lambda c: database.latest(c, "register.")))


class Standing:
    """Stands for call control: a switchboard at ten o'clock, and the directory it was told."""

    def __init__(self) -> None:
        self.switchboard, self.directory = up(), TOWN

    def now(self) -> Now:
        """Say what time it is."""
        return TEN

    @property
    def office(self) -> Any:
        """The office, with the hours in force."""
        return self.switchboard.office

    def status(self) -> Any:
        """Say what people see."""
        return self.switchboard.status(TEN)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores with a small town's directory and somebody of each kind."""
    posted: list[events.Event] = []
    stores = Stores(tmp_path, "boot", posted.append, lambda *_: None)
    stores.start()
    key, shell = stores.directory.key, ChangeRequester("t", AT, shell=True)
    stores.records.ask(
        lambda c: store.change(
            c, key, Who("anna", AT, "import"), lambda r: merge_directory(r, TOWN), {}
        )
    )
    for user in PEOPLE:
        stores.records.ask(
            lambda c, u=user: users.add(c, u, "x", shell)  # type: ignore[misc]
        )
    stores.records.ask(lambda c: users.change(c, "gone", {"disabled": True}, shell))
    clock = Now(100.0, AT)
    questions = DirectoryCommands(stores, ROME, lambda: replace(clock, wall=datetime.now(UTC)))
    standing = DirectoryQueries(cast(CallControl, Standing()), stores)
    yield Box(stores, questions, standing, posted)
    stores.stop(lambda: None)


def test_a_variation_is_in_force_when_it_is_answered(box: Box) -> None:
    """E12: entered by the head or a deputy, everywhere within a second, with who and why."""
    began = time.monotonic()
    answer = box.ask("register_vary", "vice", form=VARIED)
    assert time.monotonic() - began < 1.0
    assert answer["saved"] is True
    assert answer["changes"][0]["it"] == "Anagrafe: oggi 11:00-12:00."
    (varied,) = box.directory.variations
    assert (varied.entry.by, varied.entry.reference) == ("vice", VARIED["reference"])
    assert varied.entry.number == answer["entry"]
    assert box.audited()[0].by == "vice"
    assert box.audited()[0].what == "register.vary"


def test_a_preview_changes_nothing(box: Box) -> None:
    """What changes is read before it is saved."""
    answer = box.ask("register_declare", form=DECLARED, preview=True)
    assert answer["saved"] is False
    assert "prima comunicazione" in answer["changes"][1]["it"]
    assert len(box.audited()) == 1
    assert box.ask("register_declare", form=DECLARED)["saved"] is True
    assert box.directory.own_declaration("statocivile", datetime.now(ROME).date()) is not None


def test_the_same_question_twice_is_one_entry(box: Box) -> None:
    """A write whose outcome was not known is tried again."""
    at = datetime.now(UTC)
    questions = DirectoryCommands(box.stores, ROME, lambda: Now(0.0, at))
    again = Box(box.stores, questions, box.standing, box.posted)
    again.ask("register_vary", form=VARIED)
    again.ask("register_vary", form=VARIED)
    assert len(again.directory.variations) == 1


def test_every_mistake_is_told_at_its_field(box: Box) -> None:
    """In both languages, and nothing is stored."""
    form = DECLARED | {"reference": "", "week": ["9-8"], "declared_by": ""}
    answer = box.refused("register_declare", form=form)
    assert {"reference", "week.1", "week", "declared_by"} == {
        each["place"] for each in answer["problems"]
    }
    assert all(each["it"] and each["en"] for each in answer["problems"])
    assert len(box.audited()) == 1


@pytest.mark.parametrize(
    ("by", "ask", "why"),
    [
        ("vice", "register_declare", "non permette di modificare la rubrica uffici"),
        ("vice", "register_number", "non permette di vedere i numeri"),
        ("carla", "register_vary", "non permette di inserire variazioni"),
        ("gone", "register_vary", "non è un utente che può entrare"),
        ("nobody", "register_unit", "non è un utente che può entrare"),
    ],
)
def test_who_asks_needs_the_right(box: Box, by: str, ask: str, why: str) -> None:
    """Call control looks for itself, whatever the console has let through."""
    answer = box.refused(ask, by, form=VARIED, entry=1, need="residenza", which=1)
    assert why in answer["said"]["it"]


def test_a_number_is_shown_to_the_head_and_audited_without_it(box: Box) -> None:
    """P7: one at a time, and only one that there is."""
    answer = box.ask("register_number", entry=1, need="residenza", which=2)
    assert answer == {"number": "205"}
    noted = box.audited()[0]
    assert (noted.by, noted.what, noted.about) == ("anna", "register.number", "entry 1 residenza 2")
    leave = {"unit": "anagrafe", "number": "051598204", "authorised_by": "D", "reference": "r"}
    entry = box.ask("register_authorise", form=leave)["entry"]
    assert box.ask("register_number", entry=entry)["number"] == "051598204"
    box.refused("register_number", entry=99)
    assert box.ask("register_revoke", form={"number": entry, "reference": "r"})["saved"] is True
    assert box.directory.authorisations[0].revoked is not None


def test_an_authorised_number_is_told_while_the_leave_holds_and_that_is_noted(box: Box) -> None:
    """P7: by whoever talks with callers; a revoked one is told no more."""
    leave = {"unit": "anagrafe", "number": "051598204", "authorised_by": "D", "reference": "r"}
    entry = box.ask("register_authorise", form=leave)["entry"]
    assert box.ask("register_tell", "carla", entry=entry) == {"number": "051598204"}
    noted = box.audited()[0]
    assert (noted.by, noted.what) == ("carla", "register.told")
    assert "598204" not in noted.about
    assert "non permette" in box.refused("register_tell", "vice", entry=entry)["said"]["it"]
    box.refused("register_tell", "carla", entry=99)
    box.ask("register_revoke", form={"number": entry, "reference": "r"})
    assert "non vale più" in box.refused("register_tell", "carla", entry=entry)["said"]["it"]


def test_a_sentence_to_say_is_changed(box: Box) -> None:
    """E10."""
    box.ask("register_unit", form={"unit": "anagrafe", "say": "Provi allo Sportello."})
    unit = box.directory.unit("anagrafe")
    assert unit is not None
    assert unit.say == "Provi allo Sportello."


@pytest.mark.parametrize(
    ("ask", "question"),
    [
        ("register_vary", {}),
        ("register_vary", {"form": [], "by": "anna"}),
        ("register_vary", {"form": {}, "by": " "}),
        ("register_number", {"entry": "1"}),
        ("register_number", {"entry": 1, "which": True}),
        ("explain", {"at": "tomorrow"}),
        ("explain", {"line": "nowhere"}),
        ("explain", {"unit": "nowhere"}),
    ],
)
def test_what_is_no_question_of_its_kind(box: Box, ask: str, question: dict[str, Any]) -> None:
    """One sentence each."""
    with pytest.raises(OfficeError):
        box.ask(ask, **{"by": "anna", **question})


def test_how_every_unit_stands(box: Box) -> None:
    """What is open, until when, and what the head must look after; never a number."""
    answer = box.ask("register_state")
    found = {unit["unit"]: unit for unit in answer["units"]}
    assert found["anagrafe"]["open"] is True
    assert found["anagrafe"]["needs"][0]["until"] == "2026-11-25T12:30:00+01:00"
    assert found["statocivile"]["needs"][0]["code"] == "transfer.no_declaration"
    assert answer["undeclared"] == ["demografici", "statocivile"]
    assert any("nessuna comunicazione valida" in each["it"] for each in answer["attention"])


def test_what_is_special_in_the_year_ahead(box: Box) -> None:
    """E14: of the house and of units, in the order of days."""
    rows = box.ask("register_ahead")["ahead"]
    assert rows
    assert [row["first"] for row in rows] == sorted(row["first"] for row in rows)
    assert all(row["words"]["it"] and row["words"]["en"] for row in rows)


def test_what_happens_to_a_call(box: Box) -> None:
    """Now, by the phones as they are; or at a moment, and to its transfer."""
    now = box.ask("explain")
    assert now["explanation"]["way"] == "switchboard"
    assert now["transfer"] is None
    night = box.ask("explain", at="2026-11-25T22:00:00+01:00", unit="anagrafe", need="residenza")
    assert night["explanation"]["code"] != now["explanation"]["code"]
    assert night["transfer"]["allowed"] is False
    assert night["transfer"]["targets"] == []
    open_ = box.ask("explain", at="2026-11-25T10:00:00+01:00", unit="anagrafe", need="residenza")
    assert open_["transfer"]["targets"] == ["interno 1", "interno 2"]


def test_a_stored_register_that_cannot_be_read_is_said(box: Box) -> None:
    """Not a refusal of the head's: the technician's business."""
    box.stores.directory.key.unlink()
    with pytest.raises(CentralinoError):
        box.ask("register_number", entry=1, need="residenza", which=1)


def test_what_is_saved_and_cannot_be_read_again_is_said(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that it is in force while it is not."""

    def unreadable(*_: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr("appliance.service.live_policy.store.load_readable", unreadable)
    answer = box.ask("register_vary", form=VARIED)
    assert answer["saved"] is True
    assert "vale quella di prima" in answer["said"]["it"]


def test_a_private_mobile_is_refused_in_words(box: Box) -> None:
    """P7: at entry, for a need and for a leave to tell."""
    private = {"reach": "outside", "number": "333 1234567"}
    form = DECLARED | {"needs": [{"name": "Nascite", "numbers": [private]}]}
    (wrong,) = [
        each
        for each in box.refused("register_declare", form=form)["problems"]
        if each["place"] == "needs.1.numbers.1.number"
    ]
    assert "uno privato mai" in wrong["it"]
    leave = {"unit": "anagrafe", "number": "3331234567", "authorised_by": "D", "reference": "r"}
    problems = box.refused("register_authorise", form=leave)["problems"]
    assert "cellulare" in problems[0]["it"]


def test_no_sentence_tells_a_number_that_its_office_keeps(box: Box) -> None:
    """P7: refused where it is written; named to the head where it came otherwise."""
    kept = Disclosure(DIRECTORY, PLANS["it"], TEN.wall, ROME)
    box.stores.spoken.disclosure = lambda: kept
    form = {"unit": "anagrafe", "say": "Chiami lo 0541–704 101."}
    for preview in (True, False):
        answer = box.refused("register_unit", form=form, preview=preview)
        assert "anagrafe: callers may not be told the number •••" in answer["said"]["en"]
    own = {"reach": "outside", "number": "0541 704102"}
    declared = DECLARED | {"needs": [{"name": "Nascite 0541/704102", "numbers": [own]}]}
    for preview in (True, False):
        answer = box.refused("register_declare", form=declared, preview=preview)
        assert "statocivile: callers may not be told the number •••" in answer["said"]["en"]
    say = replace(DIRECTORY.units[1], say="Chiami lo 0541–704 101.")
    call_control: Any = box.standing._call_control
    call_control.directory = replace(DIRECTORY, units=(DIRECTORY.units[0], say))
    rows = [row["en"] for row in box.ask("register_state")["attention"]]
    assert any("anagrafe: the sentence to say names the number •••" in row for row in rows)
