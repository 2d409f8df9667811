"""Wear: what a message, a call, and a day on which nobody calls, cost a card (reliability.md 4)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.policy.clock import ClockState, Now
from appliance.service.housekeeping import Housekeeping, HousekeepingPlan
from appliance.service.nightly import look_at_card
from appliance.store import call_log
from appliance.store.alerts import AlertSettings
from appliance.store.retention import RetentionDays
from appliance.store.writer import DatabaseWriter
from appliance.voicemail.recording import RecordingWriter, WriterContext
from appliance.voicemail.storage import MailboxFolders, MailboxLimits
from tests.faults.needs import require
from tests.faults.wear import Card, Wear, card
from tests.faults.workload import Inline
from tests.helpers.figures import Figures
from tests.service.test_housekeeping import CALENDAR
from tests.store.samples import TEN, a_call
from tests.voicemail.box import header, speech

pytestmark = pytest.mark.system
MESSAGE_BYTES, MESSAGE_FLUSHES = 390_000, 32
"""Of a message of 20 s, 160 kB of sound. The bytes are those of the protocol's own measurement; the
kernel counts two flushes for a commit of the journal, one before and one after it. Seen: 30.3, so
that one commit more is seen."""
CALL_BYTES, CALL_FLUSHES = 70_000, 7
COUNT = 10


@pytest.fixture
def a_card(tmp_path: Path) -> Iterator[Card]:
    """A card with room for messages above all marks."""
    require("mkfs.ext4", "losetup", root=True)
    with card(tmp_path, 400) as made:
        yield made


class Spoken:
    """A mailbox on a card, on a clock of its own: a minute of speech takes no time."""

    def __init__(self, card: Card, limits: MailboxLimits) -> None:
        self.records, self.now = Inline(card.mount / "centralino.db"), 0.0
        folders = MailboxFolders(card.mount / "voicemail")
        outside = WriterContext(
            folders, header, self.records, lambda _: None, lambda _: None, lambda: self.now
        )
        self.writer = RecordingWriter(outside, limits)
        self.writer.recover()

    def close(self) -> None:
        """Let go of the card."""
        self.writer.close()
        self.records._session.end()

    def message(self, name: str, seconds: int) -> None:
        """Have somebody speak, in frames of half a second."""
        self.writer.begin(name, name, "alaw", a_call(name))
        sound = speech(seconds, 1000 * seconds)
        for at in range(0, len(sound), 4000):
            self.writer.append(name, sound[at : at + 4000])
            self.now += 0.5
            self.writer.tick()
        self.writer.finish(name, 0, None)

    def call(self, name: str) -> None:
        """Have a call rung, answered and over: three writes."""
        for result in (Result.OPEN, Result.ANSWERED, Result.ANSWERED):
            record = a_call(name, result)
            self.records._session.run(lambda c, r=record: call_log.upsert_calls(c, (r,), "b"))  # type: ignore[misc]  # a default


def of(card: Card, work: Callable[[int], None]) -> Wear:
    """Do something a few times; returns what all of it wrote."""
    before = card.wear()
    for n in range(COUNT):
        work(n)
    return card.wear().since(before)


def test_what_messages_and_calls_write(a_card: Card, figures: Figures) -> None:
    """No more bytes than the durability protocol was measured with; flushes within its order."""
    with closing(Spoken(a_card, MailboxLimits())) as box:
        _measure(box, a_card, figures)


def _measure(box: Spoken, a_card: Card, figures: Figures) -> None:
    for seconds in (2, 20, 60):
        wear = of(a_card, lambda n, s=seconds: box.message(f"m{s}-{n}", s))  # type: ignore[misc]  # a default
        figures.say(f"W message of {seconds} s: {wear.each(COUNT)}")
        if seconds == 20:
            assert wear.n_bytes / COUNT < MESSAGE_BYTES
            assert wear.flushes / COUNT < MESSAGE_FLUSHES
    wear = of(a_card, lambda n: box.call(f"c{n}"))
    figures.say(f"W call of three records: {wear.each(COUNT)}")
    assert wear.n_bytes / COUNT < CALL_BYTES
    assert wear.flushes / COUNT < CALL_FLUSHES


def test_a_mailbox_that_syncs_each_frame_is_seen(a_card: Card) -> None:
    """The rig counts what reaches the card: sound that is brought there at once costs much more."""
    with closing(Spoken(a_card, MailboxLimits(sync_s=0.0))) as box:
        wear = of(a_card, lambda n: box.message(f"m{n}", 20))
    assert wear.flushes / COUNT > 2 * MESSAGE_FLUSHES


def test_a_day_without_calls_writes_nothing(a_card: Card, figures: Figures) -> None:
    """All that looks once a minute, and what is deleted at night, leaves the card alone as long as
    there is nothing to tell or to delete; what is told is seen.
    """
    records = DatabaseWriter(a_card.mount / "c.db", "b").start()
    plan = HousekeepingPlan(
        CALENDAR, AlertSettings("desk@comune.example", head=True), RetentionDays()
    )
    housekeeping = Housekeeping(records, a_card.mount, plan, lambda _: None)

    def day(start: int) -> None:
        for minute in range(start, start + 24 * 60):
            now = Now(60.0 * minute, TEN + timedelta(minutes=minute), ClockState.SYNCED)
            housekeeping.look(now)
            records.ask(lambda _: None)

    day(0)
    before = a_card.wear()
    day(24 * 60)
    idle = a_card.seen().since(before)
    records.keep_call(a_call("missed", Result.GAVE_UP, 47 * 60))
    day(48 * 60)
    told = a_card.seen().since(before)
    records.stop()
    figures.say(f"W day without calls: {idle.n_bytes} bytes, {idle.flushes} flushes")
    assert idle == Wear(0, 0)
    assert told.flushes > 0


def test_what_the_kernel_counts_of_a_card_is_read(a_card: Card) -> None:
    """What was written in its life, and an error of its file system, by the card's own figures."""
    seen = look_at_card(a_card.mount)
    assert seen.errors == 0
    assert seen.written_mb is not None
    assert 300 < seen.free_mb < seen.total_mb < 400
    with (a_card.mount / "written").open("wb") as file:
        for _ in range(20):
            file.write(os.urandom(1 << 20))
    a_card.wear()
    more = look_at_card(a_card.mount)
    assert more.written_mb is not None
    assert 19 <= more.written_mb - seen.written_mb <= 30
    Path(f"/sys/fs/ext4/{seen.device}/trigger_fs_error").write_text("1")
    assert look_at_card(a_card.mount).errors == 1
