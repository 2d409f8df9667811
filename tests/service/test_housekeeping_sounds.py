"""Messages for a phone: read in the records' thread, handed over as a memfd, closed for good."""

from __future__ import annotations

import gc
import mmap
import os
import queue
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.calls import events, orders
from appliance.calls.events import Caller, Presentation
from appliance.calls.orders import CallRecord
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.policy.hours import moment_phrase_words
from appliance.policy.voicemail import MessageState, MessageStep
from appliance.service.housekeeping import KEPT, MessageSounds
from appliance.store import voicemail
from appliance.store.voicemail import Message
from appliance.store.writer import DatabaseWriter
from appliance.text import in_context

MESSAGE = voicemail.CaseKind.MESSAGE
FAR_EAST = ZoneInfo("Pacific/Kiritimati")
"""Fourteen hours ahead of the records."""
AT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
ADA = Caller(Presentation.SHOWN, "0511234567")


class Shelf:
    """A folder of messages, the records beside it, and what was posted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posted: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.recounted = 0
        self.records = DatabaseWriter(folder / "db", "boot", lambda _: None, lambda _: None)
        self.records.start()
        self.sounds = MessageSounds(folder, self.records, self.recount, self.posted.put, FAR_EAST)

    def recount(self) -> None:
        """Count how often the lamp was counted anew."""
        self.recounted += 1

    def put(self, name: str, contents: bytes) -> None:
        """Store a message."""
        (self.folder / f"{name}.wav").write_bytes(contents)
        message = Message(name, f"c-{name}", f"{name}.wav", "alaw", 100, "x", AT, caller=ADA)
        record = CallRecord(f"c-{name}", "line1", AT, caller=ADA)
        self.records.ask(lambda c: voicemail.insert_message(c, message, record, "boot"))

    def fetch(self, after: int = 0, listener: str = "k1") -> events.MessageFetched:
        """Fetch a message and wait for what is posted."""
        self.sounds.fetch(orders.FetchMessage(listener, after))
        told = self.posted.get(timeout=10)
        assert isinstance(told, events.MessageFetched)
        return told


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """An empty shelf."""
    made = Shelf(tmp_path)
    yield made
    made.records.stop(10)


def descriptors() -> int:
    """Count what this process has open; what earlier tests have dropped is closed first."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def sound(value: int) -> bytes:
    """Return a WAV of 100 ms."""
    return wav.build(bytes([value]) * 800, Law.ALAW)


def test_messages_come_oldest_first_with_their_sound(shelf: Shelf) -> None:
    """Number, caller, time and what is left; the sound is 16-bit, given away once (P9)."""
    assert shelf.fetch() == events.MessageFetched("k1")
    shelf.put("m1", sound(0x33))
    shelf.put("m2", sound(0x44))
    first = shelf.fetch()
    assert first == events.MessageFetched("k1", "m1", 1, ADA, AT, left=1)
    fd = shelf.sounds.take("k1")
    assert fd is not None
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as memory:
        assert bytes(memory) == g711.decode(b"\x33" * 800, Law.ALAW)
    os.close(fd)
    assert shelf.sounds.take("k1") is None
    assert shelf.fetch(after=1).message == "m2"
    assert shelf.fetch(after=2).message == ""


def test_a_message_that_cannot_be_read_is_passed_over(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """A broken or missing file hides no other message; the journal names it."""
    shelf.put("m1", b"no wav at all")
    shelf.put("m2", sound(0x44))
    shelf.put("m3", sound(0x55))
    (shelf.folder / "m2.wav").unlink()
    assert shelf.fetch() == events.MessageFetched("k1", "m3", 3, ADA, AT, left=0)
    assert "message 1 cannot be played" in caplog.text
    assert "message 2 cannot be played" in caplog.text


def test_closing_is_for_good_and_once(shelf: Shelf) -> None:
    """The record says who and how; a second one, by somebody else, is told that it is too late."""
    shelf.put("m1", sound(0x33))
    shelf.sounds.close(orders.CloseMessage("k1", "m1", "called_back", "op1"))
    assert shelf.posted.get(timeout=10) == events.MessageClosed("k1")
    shelf.sounds.close(orders.CloseMessage("k2", "m1", "not_needed", "op2"))
    told = shelf.posted.get(timeout=10)
    assert isinstance(told, events.MessageClosed)
    assert "already closed by op1" in told.reason
    assert shelf.recounted == 1
    found = shelf.records.ask(lambda c: voicemail.find_message(c, "m1"))
    assert found is not None
    assert (found.state, found.closed_by) == (MessageState.CLOSED, "op1")
    assert shelf.fetch() == events.MessageFetched("k1")


def test_sounds_that_nobody_takes_are_bounded(shelf: Shelf) -> None:
    """Phones that hang up while a message is read leave no descriptors behind."""
    shelf.put("m1", sound(0x33))
    before = descriptors()
    for number in range(3 * KEPT):
        shelf.fetch(listener=f"k{number}")
        shelf.fetch(listener=f"k{number}")
    assert descriptors() - before == KEPT
    for number in range(3 * KEPT):
        fd = shelf.sounds.take(f"k{number}")
        if fd is not None:
            os.close(fd)


def test_a_stalled_disk_is_told(shelf: Shelf) -> None:
    """Records that cannot be read give a reason, never silence."""
    shelf.records.do(lambda c: c.execute("DROP TABLE messages"))
    assert "no such table" in shelf.fetch().reason


def test_what_a_phone_does_is_kept_and_answered(shelf: Shelf) -> None:
    """E16: taken, tried in vain, heard; a colleague's phone is told that somebody has it."""
    shelf.put("m1", sound(0x33))
    for step, by in (("hear", "op1"), ("take", "op1"), ("fail", "op1"), ("take", "op2")):
        shelf.sounds.mark(orders.MarkMessage("k1", "m1", step, by))
    answers = [shelf.posted.get(timeout=10) for _ in range(3)]
    assert answers[:2] == [events.MessageMarked("k1")] * 2
    refused = answers[2]
    assert isinstance(refused, events.MessageMarked)
    assert (refused.held, "op1 has it" in refused.reason) == (True, True)
    shelf.sounds.close(orders.CloseMessage("k1", "m1", "called_back", "op2"))
    closed = shelf.posted.get(timeout=10)
    assert isinstance(closed, events.MessageClosed)
    assert closed.held
    assert shelf.fetch().holder == "op1"
    steps = [
        entry.step
        for entry in shelf.records.ask(lambda c: voicemail.list_entries(c, MESSAGE, "m1"))
    ]
    assert steps == [MessageStep.HEAR, MessageStep.TAKE, MessageStep.FAIL]


def test_the_time_in_a_refusal_is_the_sites(shelf: Shelf) -> None:
    """The records keep UTC, people read the clock on the wall."""
    shelf.put("m1", sound(0x33))
    for by in ("op1", "op2"):
        shelf.sounds.mark(orders.MarkMessage("k1", "m1", "take", by))
    _, refused = (shelf.posted.get(timeout=10) for _ in range(2))
    assert isinstance(refused, events.MessageMarked)
    (taken,) = shelf.records.ask(lambda c: voicemail.list_entries(c, MESSAGE, "m1"))
    since = moment_phrase_words(
        in_context("moment", "since"), taken.at.astimezone(FAR_EAST), year=False
    )
    assert f"op1 has it {since}" in refused.reason


def test_what_was_heard_and_cannot_be_kept_is_in_the_journal(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for an answer to it, so the journal says it."""
    shelf.sounds.mark(orders.MarkMessage("k1", "m9", "hear", "op1"))
    shelf.records.ask(lambda _: None)
    assert "op1 heard a message was not kept" in caplog.text
    assert shelf.posted.empty()
