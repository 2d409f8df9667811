"""An announcement that is dictated: asked for at the control socket, in memory until kept, then a
draft.
"""

from __future__ import annotations

import functools
import os
import queue
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.api import users
from appliance.api.announcements import AnnouncementCommands, DictationCommands
from appliance.api.call_control import Dictation
from appliance.calls import events, orders
from appliance.calls.status import SAID, Went
from appliance.calls.switchboard import Switchboard
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError, OfficeError
from appliance.media.messages import RecordingStarted
from appliance.policy.clock import Now
from appliance.service.announcements import MOST_ASKED, MOST_TAKE_BYTES, MOST_TAKES
from appliance.service.stores import Stores
from appliance.store import database
from tests.api.test_announcements import PEOPLE, _enter
from tests.calls.examples import TEN, up
from tests.helpers.wire import wire
from tests.helpers.words import pair

SOUND = bytes(range(256)) * 40
TAKE = "take:l1.1"
LIMIT = 10.0


@dataclass
class Box:
    """Call control's side of dictations: what is posted is heard at once by a real Switchboard."""

    stores: Stores
    switchboard: Switchboard = field(default_factory=up)
    posted: queue.SimpleQueue[events.Event] = field(default_factory=queue.SimpleQueue)
    questions: Any = None

    def now(self) -> Now:
        """Say what time it is."""
        return TEN

    @property
    def office(self) -> Any:
        """The office, with the hours in force."""
        return self.switchboard.office

    def post(self, event: events.Event) -> None:
        """Leave a fact, from any thread."""
        self.posted.put(event)

    def hear(self) -> list[orders.Order]:
        """Hear the next fact, as the deciding thread does; return what it led to."""
        given = self.switchboard.handle(self.posted.get(timeout=LIMIT), TEN)
        for order in given:
            if isinstance(order, orders.AnswerAsked):
                self.questions.answered(order)
        return list(given)

    def ask(self, ask: str, by: str = "anna", *, hears: bool = False, **more: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        given = {"ask": ask, "by": by, "language": "it", "key": "hold", **more}
        answer = self.questions.known[ask](given)
        if not callable(answer):
            return wire(answer)
        answer(box.put)
        if hears:
            self.hear()
        told = wire(box.get(timeout=LIMIT))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def went(self) -> str:
        """Say how far the dictation is."""
        return str(self.ask("announcement_dictation")["went"])

    def dictated(self, sound: bytes = SOUND, trim_ms: int = 0) -> None:
        """Have a recording come in from the media gateway, whole."""
        self.stores.begin(RecordingStarted(TAKE, "alaw"))
        self.stores.append(TAKE, sound)
        stop = events.RecordingStop.KEY
        self.stores.dictations.ended(events.RecordingEnded(TAKE, stop, len(sound) // 8, trim_ms))

    def keep(self, ask: str = "dictation 1") -> events.Event:
        """Have it kept, and wait for the answer."""
        self.stores.order(orders.KeepTake("l1", TAKE, ask))
        return self.posted.get(timeout=LIMIT)

    @property
    def draft(self) -> Path:
        """Where the draft lies."""
        return self.stores.dictations.folder / "it" / "hold.wav"

    def audited(self) -> list[tuple[str, str, str]]:
        """List changes, newest first."""
        found = self.stores.records.ask(lambda c: database.latest(c, "announcement."))
        return [(each.by, each.what, each.about) for each in found]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores with a head and an operator, before call control with phones."""
    posted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()

    def post(event: events.Event) -> None:
        if isinstance(event, events.TakeKept):
            posted.put(event)

    stores = Stores(tmp_path / "state", "b", post, lambda *_: None)
    stores.start()
    for user in PEOPLE:
        stores.records.ask(functools.partial(_enter, user=user))
    made = Box(stores, posted=posted)
    control: Any = made
    announcements = AnnouncementCommands(stores, lambda: Now(0.0, datetime.now(UTC)))
    made.questions = DictationCommands(stores, control, announcements)
    yield made
    stores.stop(lambda: None)


def test_a_phone_rings_and_who_asked_is_told_how_far_it_is(box: Box) -> None:
    """By its name or its extension; each step in one sentence, until it is over."""
    assert box.ask("announcement_dictation") == {"went": "", "over": True, "said": None}
    answer = box.ask("announcement_dictate", phone="11", hears=True)
    assert answer["done"] is True
    assert answer["said"]["en"] == SAID[Went.RINGS].text("en")
    assert [side.phone for side in box.switchboard._board.sides.values()] == ["op1"]
    assert box.ask("announcement_dictation")["over"] is False
    box.stores.order(orders.TakeWent("dictation 1", Went.HUNG_UP))
    told = box.ask("announcement_dictation")
    assert (told["went"], told["over"]) == ("hung_up", True)
    assert "riagganciato" in told["said"]["it"]
    assert box.ask("announcement_dictation", "carla") == {"went": "", "over": True, "said": None}


def test_who_may_not_and_what_is_none_is_refused(box: Box) -> None:
    """Call control looks itself, before a phone rings."""
    for refused in (
        box.ask("announcement_dictate", "carla", phone="op1"),
        box.ask("announcement_dictate", phone="op1", key="nothing"),
        box.ask("announcement_dictate", phone="op1", key="sheet_1"),
        box.ask("announcement_draft_drop"),
        box.ask("announcement_draft_drop", "carla"),
    ):
        assert refused["done"] is False
        assert refused["said"]["it"]
    with pytest.raises(OfficeError, match="phone is needed"):
        box.ask("announcement_dictate")
    assert box.posted.empty()
    answer = box.ask("announcement_dictate", phone="op9", hears=True)
    assert answer["done"] is False
    assert box.went() == ""


def test_the_shell_needs_no_user_but_its_proof(box: Box) -> None:
    """As everywhere; a wrong word is told."""
    state = box.stores.dictations.folder.parent
    box.stores.records.ask(lambda _: users.prepare_proof(state))
    with users.proof(state) as word:
        asked = box.ask("announcement_dictate", "root", phone="op1", proof=word, hears=True)
        assert asked["done"] is True
        ask = functools.partial(box.ask, "announcement_dictate", "root", phone="op2", proof=word)
        assert ask(key="elezioni", hears=True)["done"] is True  # there is none of that name yet
        assert ask(key="unit_1")["done"] is False
        with pytest.raises(OfficeError, match="no proof"):
            box.ask("announcement_dictate", "root", phone="op1", proof="x")


def files_below(state: Path) -> set[Path]:
    """Return the files of a box, without the room that another thread keeps free for messages."""
    return {path for path in state.rglob("*") if path.is_file() and path.name != "ballast"}


def test_nothing_is_on_the_disk_before_it_is_kept(box: Box) -> None:
    """E21: in memory alone; kept it is a draft that no caller hears, with who did it."""
    box.ask("announcement_dictate", phone="op1", hears=True)
    state = box.stores.dictations.folder.parent
    before = files_below(state)
    box.dictated(trim_ms=100)
    assert files_below(state) == before
    fd = box.stores.memory(orders.LoadMessage("l1", TAKE))
    assert fd is not None
    assert os.pread(fd, 10**6, 0) == g711.decode(SOUND[:-800], Law.ALAW)
    os.close(fd)
    assert box.keep() == events.TakeKept("l1")
    kept = wav.read(box.draft)
    assert (kept.law, kept.data) == (Law.ALAW, SOUND[:-800])
    assert box.audited() == [("anna", "announcement.dictate", "it/hold")]
    assert box.went() == Went.KEPT
    assert not (box.stores.spoken.folder / "it" / "hold.wav").exists()
    assert box.stores.memory(orders.LoadMessage("l1", TAKE)) is None


def test_a_draft_is_dropped(box: Box) -> None:
    """And then it is gone; that is kept too."""
    box.ask("announcement_dictate", phone="op1", hears=True)
    box.dictated()
    box.keep()
    assert "discarded" in box.ask("announcement_draft_drop")["said"]["en"]
    assert not box.draft.exists()
    assert box.audited()[0] == ("anna", "announcement.draft_drop", "it/hold")


def test_what_cannot_be_kept_is_told(box: Box) -> None:
    """To the phone and to who asked: no disk, no sound, nobody who asked."""
    box.ask("announcement_dictate", phone="op1", hears=True)
    box.stores.dictations.folder.write_bytes(b"no folder")
    box.dictated()
    told = box.keep()
    assert isinstance(told, events.TakeKept)
    assert "check the disk" in told.reason
    assert box.went() == Went.NOT_KEPT
    assert "nothing of it" in str(box.keep())
    box.dictated()
    assert "nothing of it" in str(box.keep("nobody asked"))


def test_memory_is_bounded(box: Box) -> None:
    """In what one may take, how many there may be, and how many are told about."""
    dictations = box.stores.dictations
    box.dictated(bytes(2 * MOST_TAKE_BYTES))
    fd = dictations.memory(orders.LoadMessage("l1", TAKE))
    assert fd is not None
    assert os.fstat(fd).st_size == 2 * MOST_TAKE_BYTES
    os.close(fd)
    for number in range(MOST_TAKES):
        dictations.begin(RecordingStarted(f"take:l2.{number}", "alaw"))
    assert dictations.memory(orders.LoadMessage("l1", TAKE)) is None
    assert dictations.append(TAKE, b"late")  # ours, and of no use any more
    dictations.order(orders.DropTake("take:l2.0"))
    assert dictations.memory(orders.LoadMessage("l2", "take:l2.0")) is None
    for number in range(MOST_ASKED + 1):
        dictations.asked(str(number), Dictation("it", str(number), "anna"))
    assert dictations.latest("anna", "it", "0") is None
    assert dictations.latest("anna", "it", str(MOST_ASKED)) is not None
    dictations.order(orders.TakeWent("0", Went.LOST))  # nobody is told any more


def test_what_is_no_dictation_is_the_mailboxes(box: Box) -> None:
    """A caller's message goes its own way; an answer to somebody else is left alone."""
    dictations = box.stores.dictations
    assert not dictations.begin(RecordingStarted("c1", "alaw"))
    assert not dictations.append("c1", SOUND)
    assert box.stores.memory(orders.LoadMessage("l1", "m1")) is None
    dictations.ended(events.RecordingEnded("c1", events.RecordingStop.KEY, 1000, 100))
    box.questions.answered(orders.AnswerAsked("call back 1", True, pair("sì", "yes")))
    assert box.went() == ""
