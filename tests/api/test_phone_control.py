"""The call bar's commands at the control socket: what is asked, said, ordered and noted."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from appliance.api import codec
from appliance.api.commands import NEEDS
from appliance.api.phone_control import PhoneControlCommands
from appliance.api.replies import FullStatus, PhoneSaid, WatchedStatus, reply_of
from appliance.calls import events, orders
from appliance.calls.model import AutoAnswer
from appliance.errors import CentralinoError
from appliance.policy.address_book import BookEntry, BookNumber
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Permission, Role, permissions_of
from appliance.store import address_book
from appliance.store.database import latest
from appliance.text import unchanged
from tests.calls.examples import KNOWN, RANG, TEN, tell, up
from tests.fuzz.targets.control_socket import CallControlStub, Stores
from tests.helpers.wire import wire
from tests.helpers.words import both

ANNA: dict[str, Any] = {"position": "op1", "by": "anna"}


class Bar:
    """The commands on a switchboard, with what it was told."""

    def __init__(self, folder: Path) -> None:
        self.switchboard = up()
        self.stores = Stores(folder)
        self.control = CallControlStub(self.switchboard)
        self.posted: list[events.Event] = []
        control: Any = self.control
        control.post = self.posted.append
        stores: Any = self.stores
        self.commands = PhoneControlCommands(control, stores)

    def ask(self, name: str, **more: Any) -> Any:
        """Send a command; returns its reply as a reader gets it."""
        return wire(self.commands.known[name]({**ANNA, **more}))

    def dial(self, **more: Any) -> list[Any]:
        """Dial; returns the replies sent so far, in a list that goes on growing."""
        sent: list[Any] = []
        reply: Any = self.commands.known["Dial"]({**ANNA, **more})
        reply(sent.append)
        return sent


@pytest.fixture
def bar(tmp_path: Path) -> Bar:
    """An office at ten."""
    return Bar(tmp_path)


def test_a_call_is_answered_held_resumed_and_hung_up(bar: Bar) -> None:
    """Each command is done at once and says so; the reply names the caller's call."""
    tell(bar.switchboard, TEN, RANG, KNOWN)
    answered = bar.ask("AnswerCall", call="boot7-1")
    assert (answered["done"], answered["call"]) == (True, "boot7-1")
    assert answered["auto_answer"] == "unknown"
    said = reply_of(PhoneSaid, answered)
    assert (said.call, said.auto_answer) == ("boot7-1", AutoAnswer.UNKNOWN)
    tell(
        bar.switchboard, TEN, events.OperatorAnswered("boot7-1.1", "op1"),
        events.LineAnswered("line1"),
    )  # fmt: skip
    for name, state in (("HoldCall", "on_hold"), ("ResumeCall", "talking")):
        assert bar.ask(name)["done"] is True
        assert bar.switchboard.status(TEN).calls[0].state.value == state
    assert bar.ask("HangUpCall")["said"]["it"] == "Riagganciato."
    assert bar.switchboard.status(TEN).calls[0].state.value == "clearing"


def test_a_refusal_is_a_sentence_and_changes_nothing(bar: Bar) -> None:
    """In both languages, as every valid command that is declined."""
    refused = bar.ask("HoldCall")
    assert refused["done"] is False
    assert refused["said"]["it"] == "Ora non c'è nessuna chiamata in corso."
    assert refused["said"]["en"] == "You have no call now."


@pytest.mark.parametrize(
    "name", ["AnswerCall", "HoldCall", "AlternateCall", "HandOverCall", "HangUpCall", "Dial"]
)
@pytest.mark.parametrize("missing", ["position", "by"])
def test_position_and_user_are_needed(bar: Bar, name: str, missing: str) -> None:
    """Nobody controls a phone without saying whose, and who asks."""
    arguments = ANNA | {"number": "051234567", missing: ""}
    with pytest.raises(SaidError, match=f"{missing} is needed"):
        bar.commands.known[name](arguments)


def test_who_may(bar: Bar) -> None:
    """E2: the counter does on a call what an operator does; offices and technicians do not."""
    needed = frozenset().union(*(NEEDS[name] or () for name in bar.commands.known))
    assert needed == {Permission.SEE_DESK, Permission.CALL_BACK}
    for role in (Role.OPERATOR, Role.CLERK, Role.HEAD):
        assert needed <= permissions_of([role])
    for role in (Role.OFFICE, Role.DEPUTY, Role.TECHNICIAN):
        assert not needed & permissions_of([role])


def test_a_shown_number_is_dialled_and_noted(bar: Bar) -> None:
    """As people write it; the list of changes names phone and user, never the number (E20)."""
    sent = bar.dial(number="+39 051/23.45-67", name="Ada  Rossi", urgent=True)
    (asked,) = bar.posted
    assert asked == events.CallBackAsked(
        "dial 1", "op1", "+39051234567", "", "Ada Rossi", True, picks_up=True
    )
    (noted,) = latest(bar.stores.connection, "phone.dial")
    assert (noted.by, noted.what, noted.about) == ("anna", "phone.dial", "op1")
    assert sent == []
    bar.commands.answered(orders.AnswerAsked("another", True, unchanged("no")))
    assert sent == []
    bar.commands.answered(orders.AnswerAsked("dial 1", True, unchanged("rings")))
    assert [wire(reply)["done"] for reply in sent] == [True]
    bar.commands.answered(orders.AnswerAsked("dial 1", True, unchanged("rings")))
    assert len(sent) == 1, "a session is answered once"


@pytest.mark.parametrize(("holds_until", "in_book"), [(None, True), ("2026-11-24", False)])
def test_a_number_of_the_address_book_is_known(
    bar: Bar, holds_until: str | None, in_book: bool
) -> None:
    """However it is written there; an entry that holds no more vouches for nobody."""
    last = date.fromisoformat(holds_until) if holds_until else None
    numbers = (BookNumber("800 033 033", "CUP"), BookNumber("int. 4"))
    day = TEN.wall.date()
    entry = BookEntry("ausl", "AUSL", "anna", day, day, numbers, last=last)
    address_book.lay(bar.stores.connection, (entry,), ())
    bar.dial(number="+39 800 033033")
    (asked,) = bar.posted
    assert isinstance(asked, events.CallBackAsked)
    assert asked.in_book is in_book


def test_a_number_that_may_not_be_dialled_is_declined(bar: Bar) -> None:
    """By the rules of calling out (E17), in their own words."""
    sent = bar.dial(number="051234567")
    bar.commands.answered(orders.AnswerAsked("dial 1", False, unchanged("not known")))
    assert [wire(reply) for reply in sent] == [
        {"said": both("not known", "not known"), "problems": [], "done": False}
    ]


@pytest.mark.parametrize("number", ["", "abc", "1", "0" * 25, "051 234 x", "*21#"])
def test_what_is_no_number_is_said(bar: Bar, number: str) -> None:
    """No key code, no letters, nothing endless reaches a line."""
    with pytest.raises(Refused, match="This is no number"):
        bar.dial(number=number)
    assert bar.posted == []


def test_urgent_is_yes_or_no(bar: Bar) -> None:
    """It is a reason that is recorded: nothing else passes for it."""
    with pytest.raises(SaidError, match="urgent has to be true or false"):
        bar.dial(number="051234567", urgent="yes")


def test_nothing_is_dialled_that_cannot_be_noted(bar: Bar) -> None:
    """The disk is full: who called out would not be known (toll fraud)."""
    bar.stores.connection.execute("DROP TABLE audit")
    sent = bar.dial(number="051234567")
    assert isinstance(sent[0], CentralinoError)
    assert bar.posted == []


def test_the_status_tells_what_each_position_can_do(bar: Bar) -> None:
    """As the page reads it from the socket, one row a position, with its label."""
    tell(bar.switchboard, TEN, RANG, KNOWN)
    status = FullStatus.extended(bar.switchboard.status(TEN))
    told = wire(WatchedStatus(status))["status"]["controls"]
    assert [row["phone"] for row in told] == ["op1", "op2", "desk1", "desk2"]
    assert told[0] == {
        "phone": "op1", "label": "Operatore 1", "mine": "", "can_answer": ["boot7-1"],
        "rings": False, "can_hold": False, "can_resume": False, "can_hang_up": False,
        "can_dial": False, "can_alternate": False, "can_hand_over": False,
        "auto_answer": "unknown", "lift": False, "words": both("", ""),
    }  # fmt: skip
    again = codec.from_json(WatchedStatus, wire(WatchedStatus(status)))
    assert again.status.controls == status.controls
