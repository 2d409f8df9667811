"""Nobody changes anything by way of the console who is not known to call control and entitled to
it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from appliance.api.commands import FREE, IN_A_PLACE, NEEDS, SHELL
from appliance.api.protocol import Rights, ask
from appliance.errors import OfficeError
from appliance.policy.directory import ReturnRule
from appliance.policy.requests import Citizen, NewRequest
from appliance.policy.text import Refused
from appliance.policy.users import Role, User, permissions_of
from appliance.service.command_table import CommandTable
from appliance.service.status import StatusCollector
from appliance.store import requests, users
from appliance.store.database import database_path, open_reader
from appliance.store.requests import RequestToStore
from appliance.store.users import ChangeRequester
from tests.console import people
from tests.console.call_control_users import serving_socket
from tests.fuzz.targets import control_socket as stand_ins
from tests.helpers.wire import wire

GONE: Final = User("gone", "Gino Via", frozenset(Role), position="op1")
UGO: Final = User("ugo", "Ugo Viola", frozenset({Role.OFFICE}), unit="anagrafe")
EVERYBODY: Final = (*people.EVERYBODY, UGO)
SHELLS: Final = ChangeRequester("root", people.AT, shell=True)
FREELY: Final = sorted(name for name, needed in NEEDS.items() if needed == FREE)
GATED: Final = sorted(name for name, needed in NEEDS.items() if needed and needed != FREE)


@pytest.fixture
def stores(tmp_path: Path) -> stand_ins.Stores:
    """Records with a user of every role, and one who is disabled."""
    made = stand_ins.Stores(tmp_path)
    people.enter(made.connection)
    for user in (UGO, GONE):
        users.add(made.connection, user, people.kept(), SHELLS)
    users.change(made.connection, "gone", {"disabled": True}, SHELLS)
    return made


@pytest.fixture
def rights(stores: stand_ins.Stores) -> Rights:
    """What call control knows of them."""
    records: Any = stores
    found = Rights(records)
    found.read_anew(lambda: None)
    return found


class Facts(stand_ins.CallControlStub):
    """Call control that notes whatever it is told."""

    heard: Final[list[Any]] = []

    def fact(self, event: Any) -> None:
        """Note it."""
        self.heard.append(event)


def questions(stores: stand_ins.Stores, folder: Path) -> CommandTable:
    """All that may be asked, of call control that notes what it is told."""
    return stand_ins.asked_of(stores, str(folder), Facts(), StatusCollector())[0]


def test_every_question_has_its_line(stores: stand_ins.Stores, tmp_path: Path) -> None:
    """Whoever adds a question says who may ask it: a line of api/protocol.py."""
    assert sorted(questions(stores, tmp_path).names - NEEDS.keys()) == []


def test_a_state_of_the_office_has_its_persons_name(
    stores: stand_ins.Stores, tmp_path: Path
) -> None:
    """By the login, as the records have it; a shell's user stays what it is."""
    table, call_control = questions(stores, tmp_path), Facts()
    control: Any = call_control
    table._call_control = control
    table._rights.learn(stores.connection)
    for by, shown in (("carla", "Carla Blu"), ("root", "")):
        table({"ask": "SetClosed", "on": True, "by": by})
        assert (call_control.heard[-1].request.by, call_control.heard[-1].request.shown) == (
            by,
            shown,
        )


def refusal(rights: Rights, asked: str, by: object, user: str) -> str:
    """Return in what words a question is refused, "" where it may be asked."""
    try:
        rights.check({"ask": asked, "by": by}, user)
    except Refused as refused:
        return str(refused)
    return ""


def is_for(asked: str, user: User) -> bool:
    """Tell whether a user has a role that a question needs."""
    return bool(permissions_of(user.roles) & (NEEDS[asked] or FREE))


def test_only_who_is_known_and_entitled_may_ask(rights: Rights) -> None:
    """Nobody, strangers, who may not log in any more, and each role that it is not for."""
    assert len(GATED) > 50
    said = {
        (asked, user.name): refusal(rights, asked, user.name, user.name)
        for asked, user in itertools.product(GATED, EVERYBODY)
    }
    entitled = {(asked, user.name) for asked in GATED for user in EVERYBODY if is_for(asked, user)}
    assert {which: words for which, words in said.items() if which in entitled and words} == {}
    others = {which: words for which, words in said.items() if which not in entitled}
    assert {which: words for which, words in others.items() if "It is for" not in words} == {}
    unknown = itertools.product(GATED, ("", "eve", "gone"))
    strangers = {(asked, who): refusal(rights, asked, who, who) for asked, who in unknown}
    assert {at: words for at, words in strangers.items() if "log in again" not in words} == {}


def test_nobody_asks_in_the_name_of_others(rights: Rights) -> None:
    """What is done is done by whoever is logged in: the audit can be believed."""
    said: dict[tuple[str, object], str] = {}
    for asked in sorted(set(GATED) - IN_A_PLACE):
        entitled = next(user for user in EVERYBODY if is_for(asked, user))
        for by in ("eve", "anna " if entitled.name == "anna" else "anna", "", None, 1):
            said[asked, by] = refusal(rights, asked, by, entitled.name)
    assert said
    assert {at: words for at, words in said.items() if "in the name of others" not in words} == {}


def test_what_the_box_itself_asks_is_not_the_consoles_to_ask(rights: Rights) -> None:
    """Not the head, either."""
    shells = [name for name, needed in NEEDS.items() if needed is SHELL]
    assert shells
    for asked in shells:
        with pytest.raises(Refused, match="on the box itself"):
            rights.check({"ask": asked}, "anna")


@pytest.mark.parametrize("user", ["", "ugo", "anna"])
def test_an_undeclared_command_is_never_the_consoles(rights: Rights, user: str) -> None:
    """Neither nobody's nor, by an omission, everybody's."""
    assert "new" not in NEEDS
    with pytest.raises(Refused, match="on the box itself"):
        rights.check({"ask": "new"}, user)


PLAUSIBLE: Final[dict[str, Any]] = {
    "token": "x" * 43, "said_by": "Elsa", "code": "ABCD-EFGH-JKMN", "name": "eve", "shown": "Eve",
    "password": people.kept(), "unit": "anagrafe", "need": "residenza", "on": True, "year": 2026,
    "line": "line1", "number": 1, "reason": "r", "until": None, "form": {"number": 1},
}  # fmt: skip


@pytest.mark.parametrize("asked", FREELY)
def test_what_anybody_may_ask_changes_nothing(
    stores: stand_ins.Stores, tmp_path: Path, asked: str
) -> None:
    """Neither the records nor a call: with nothing beside it, and with all that others take."""
    if asked == "watch":
        return  # answered by the control socket, which has nothing else to change
    answer, before = questions(stores, tmp_path), stores.connection.total_changes
    Facts.heard.clear()
    for given in ({}, PLAUSIBLE):
        try:
            told = answer({"ask": asked, **given})
        except OfficeError:
            continue
        if callable(told):
            told(lambda _: None)
    assert stores.connection.total_changes == before
    assert Facts.heard == []


class Records:
    """Reads the records by a connection of its own, in whichever thread asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def do(self, job: Any, done: Any) -> None:
        """Do a job at once."""
        with closing(open_reader(database_path(self._folder))) as connection:
            done(job(connection))


@pytest.fixture
def served(stores: stand_ins.Stores, tmp_path: Path) -> Iterator[Path]:
    """A control socket with permissions that have read nothing yet, at which everything is done at
    once.
    """
    del stores
    path, records = tmp_path / "desk.sock", Records(tmp_path)
    gate = Rights(records)  # type: ignore[arg-type]  # a stand-in
    with serving_socket(path, lambda question: {"said": question}, gate):
        yield path


def test_who_is_refused_may_have_become_a_user_just_now(
    served: Path, stores: stand_ins.Stores
) -> None:
    """The records are looked at once more before somebody is sent away; a name is not passed on."""
    question = {"ask": "SetClosed", "by": "nora", "person": "nora"}
    with pytest.raises(OfficeError, match="no user"):
        ask(served, question)
    users.add(stores.connection, replace(people.CARLA, name="nora"), people.kept(), SHELLS)
    assert ask(served, question)["said"] == {"ask": "SetClosed", "by": "nora"}


def test_who_comes_from_the_consoles_unit_is_nobody_without_a_name(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A console that leaves the person out asks for nobody; the shell needs none."""
    assert ask(served, {"ask": "SetClosed"})["ok"]
    monkeypatch.setattr("appliance.api.control_socket.is_of_console", lambda _: True)
    with pytest.raises(OfficeError, match="no user"):
        ask(served, {"ask": "SetClosed"})
    assert ask(served, {"ask": "status"})["ok"]


@pytest.mark.parametrize(("by", "is_done"), [("ugo", False), ("carla", True), ("root", True)])
def test_an_office_moves_its_own_requests_alone(
    stores: stand_ins.Stores, tmp_path: Path, by: str, is_done: bool
) -> None:
    """A request of another office is refused, whatever page or script asks; of one's own, done."""
    told: list[Any] = []
    for unit in ("tributi", "anagrafe"):
        citizen = Citizen("Anna Verdi", "0511", "anna@example.org")
        wanted = NewRequest(ReturnRule.EMAIL, unit, "", citizen, "IMU", "Quando?", people.AT, by)
        kept = requests.insert_request(stores.connection, RequestToStore(unit, wanted, people.AT))
        question = {"ask": "request_step", "step": "remind", "words": "Aspetto ancora."}
        later: Any = questions(stores, tmp_path)({**question, "number": kept.number, "by": by})
        later(lambda reply: told.append(wire(reply)))
    assert ("not of the office" in str(told[0])) is not is_done
    assert told[1]["number"] == 2


def test_somebody_who_asks_is_there(rights: Rights) -> None:
    """While the time is not known that counts; a page that looks by itself does not."""
    asked: list[str] = []
    rights.on_person = lambda: asked.append("somebody")
    rights.check({"ask": "status"}, people.ANNA.name)
    with pytest.raises(Refused):
        rights.check({"ask": "led_test"}, people.ANNA.name)
    assert asked == []
    rights.check({"ask": "SetUnattended"}, people.ANNA.name)
    assert asked == ["somebody"]
