"""An announcement of the office's own comes in parts, and ours comes back (P1, E14)."""

from __future__ import annotations

import base64
import functools
import queue
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.api.announcements import MOST_BYTES, AnnouncementCommands
from appliance.api.speech import MOST_NOTICES
from appliance.calls import events
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.clock import Now
from appliance.policy.users import Role, User
from appliance.service.stores import Stores
from appliance.store import database, users
from appliance.store.users import ChangeRequester
from tests.helpers.wire import wire

AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
HASH = "$argon2id$v=19$m=12288,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43
PEOPLE = (
    User("anna", "Anna Verdi", frozenset({Role.HEAD})),
    User("carla", "Carla Blu", frozenset({Role.OPERATOR})),
)
SOUND = bytes(range(256)) * 40
PART = 6_000


@dataclass
class Box:
    """Call control's side of announcements."""

    stores: Stores
    questions: AnnouncementCommands
    posted: list[Any]
    site: Path

    @property
    def folder(self) -> Path:
        """Where the office's own announcements lie."""
        return self.stores.spoken.folder

    def ask(self, ask: str, by: str = "anna", **question: Any) -> Any:
        """Ask, and wait for the answer; raises what call control raises."""
        box: queue.SimpleQueue[Any] = queue.SimpleQueue()
        given = {"ask": ask, "by": by, "language": "it", "key": "hold", **question}
        answer = self.questions.known[ask](given)
        if not callable(answer):
            return wire(answer)
        answer(box.put)
        told = wire(box.get(timeout=5))
        if isinstance(told, CentralinoError):
            raise told
        return told

    def send(self, sound: bytes = SOUND, by: str = "anna", **question: Any) -> Any:
        """Send a recording in parts; return the last answer."""
        starts = range(0, max(len(sound), 1), PART)
        for at in starts:
            part = {"at": at, "data": base64.b64encode(sound[at : at + PART]).decode()}
            last = at == starts[-1]
            answer = self.ask("announcement_part", by, **part, last=last, **question)
        return answer

    def refused(self, answer: dict[str, Any]) -> str:
        """Return why something was refused, in English."""
        assert answer["done"] is False
        assert answer["said"]["it"]
        return str(answer["said"]["en"])

    def audited(self) -> list[tuple[str, str, str]]:
        """List changes, newest first."""
        found = self.stores.records.ask(lambda c: database.latest(c, "announcement."))
        return [(each.by, each.what, each.about) for each in found]


def _enter(connection: sqlite3.Connection, user: User) -> None:
    users.add(connection, user, HASH, ChangeRequester("test", AT, shell=True))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Stores with a head and an operator, and a folder of the site's own."""
    posted: list[Any] = []
    site = tmp_path / "site"
    stores = Stores(tmp_path / "state", "b", posted.append, lambda *_: None, site)
    stores.start()
    for user in PEOPLE:
        stores.records.ask(functools.partial(_enter, user=user))
    yield Box(stores, AnnouncementCommands(stores, lambda: Now(0.0, AT)), posted, site)
    stores.stop(lambda: None)


def test_a_recording_takes_the_place_of_ours(box: Box) -> None:
    """In parts; the next caller hears it; who did it is kept."""
    answer = box.send()
    assert "from now on" in answer["said"]["en"]
    kept = wav.read(box.folder / "it" / "hold.wav")
    assert (kept.law, kept.rate, kept.data) == (Law.LINEAR16, 8000, g711.decode(SOUND, Law.ALAW))
    assert any(isinstance(event, events.SpokenSheetsChanged) for event in box.posted)
    assert box.audited() == [("anna", "announcement.change", "it/hold")]


def test_ours_comes_back(box: Box) -> None:
    """And once it is back there is nothing to give back."""
    box.send()
    assert "Our recording is back" in box.ask("announcement_restore")["said"]["en"]
    assert not (box.folder / "it" / "hold.wav").exists()
    assert box.audited()[0] == ("anna", "announcement.restore", "it/hold")
    assert "already" in box.refused(box.ask("announcement_restore"))


def test_one_that_is_too_long_is_refused(box: Box) -> None:
    """As soon as it is known; nothing of it is kept."""
    with pytest.raises(OfficeError, match="follows nothing"):
        box.send(bytes(MOST_BYTES + 2 * PART))
    assert "30 seconds" in box.refused(box.send(bytes(MOST_BYTES + 1)))
    assert not (box.folder / "it" / "hold.wav").exists()
    assert "said" in box.send(bytes([0xD5]) * MOST_BYTES)


def test_one_too_many_is_refused(box: Box) -> None:
    """What lies in the media gateway's memory has a bound."""
    for number in range(MOST_NOTICES):
        box.send(key=f"digit_{number % 10}", language=("it", "en")[number // 10])
    assert "forget one first" in box.refused(box.send())


def test_parts_follow_one_another(box: Box) -> None:
    """One that is lost, or of another announcement, is noticed; the beginning begins again."""
    part: dict[str, Any] = {"at": 0, "data": base64.b64encode(SOUND[:PART]).decode()}
    assert box.ask("announcement_part", **part) == {"taken": PART}
    for wrong in ({"at": 1}, {"at": PART, "key": "greeting_closed"}, {"at": None}):
        with pytest.raises(OfficeError, match=r"follows nothing|at is needed"):
            box.ask("announcement_part", **{**part, **wrong})
    assert box.ask("announcement_part", **part) == {"taken": PART}
    for number in range(4):
        box.ask("announcement_part", f"other{number}", **part)
    with pytest.raises(OfficeError, match="follows nothing"):
        box.ask("announcement_part", **{**part, "at": PART})


def test_an_empty_one_is_refused(box: Box) -> None:
    """Callers would hear nothing."""
    assert "empty" in box.refused(box.send(b""))


@pytest.mark.parametrize("data", ["è", "AAA"])
def test_what_is_no_sound(box: Box, data: str) -> None:
    """One sentence says what is wrong."""
    with pytest.raises(OfficeError, match="base64"):
        box.ask("announcement_part", at=0, data=data)
    with pytest.raises(OfficeError, match="key is needed"):
        box.ask("announcement_part", at=0, key=" ")


@pytest.mark.parametrize(
    ("language", "key"), [("it", "nothing"), ("xx", "hold"), ("..", "hold"), ("it", "../hold"),
                          ("it", "unit_abc")],
)  # fmt: skip
def test_what_is_no_announcement(box: Box, language: str, key: str) -> None:
    """Nothing is written but what callers can hear."""
    assert "no such" in box.refused(box.send(language=language, key=key))


def test_what_the_technician_has_recorded_stays(box: Box) -> None:
    """It would be heard all the same."""
    (box.site / "it").mkdir(parents=True)
    (box.site / "it" / "hold.wav").write_bytes(wav.build(SOUND, Law.ALAW))
    assert "folders.prompts" in box.refused(box.send())
    assert "folders.prompts" in box.refused(box.ask("announcement_restore"))


def test_who_may_change_announcements(box: Box) -> None:
    """Call control looks at the right itself."""
    assert "Head of the front desk" in box.refused(box.send(by="carla"))
    assert "log in again" in box.refused(box.ask("announcement_restore", by="nobody"))
    assert box.audited() == []
