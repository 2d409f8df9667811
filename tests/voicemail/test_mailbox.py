"""The mailbox: whole or not at all, told only when it is true, never waited for."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance import workers
from appliance.calls.events import (
    MessageStored,
    MessagesWaiting,
    RecordingGap,
    RoomForMessages,
    StoreFailed,
)
from appliance.calls.orders import CallRecord
from appliance.errors import StoreError
from appliance.policy.requests import NewRequest
from appliance.policy.voicemail import MessageOutcome
from appliance.store.database import VOICEMAIL_UNSURE
from appliance.store.voicemail import Message
from appliance.voicemail import recording, storage
from appliance.voicemail.mailbox import Mailbox
from appliance.voicemail.recording import Recording
from appliance.voicemail.storage import MailboxLimits, spare_bytes, water_marks
from tests.store.samples import TEN, a_call
from tests.voicemail.box import LIMIT, SMALL, Box, header, hold, speech, without_counts


def record_message(
    box: Box, sound: bytes, recording: str = "a-1", law: str = "ulaw", trim_ms: int = 0
) -> None:
    """Bring a whole message in frames of 20 ms."""
    box.mailbox.begin(recording, law, a_call(recording))
    for at in range(0, len(sound), 160):
        box.mailbox.append(recording, sound[at : at + 160])
    box.mailbox.finish(recording, trim_ms)


def one_stored(box: Box) -> Message:
    """Wait for the message to be stored and return what the list says of it."""
    stored = box.wait_for(MessageStored)
    (message,) = box.listed()
    assert (message.id, message.length_ms, message.call) == (
        stored.message,
        stored.length_ms,
        stored.call,
    )
    return message


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_a_message_is_the_callers_sound_byte_for_byte(box: Box, law: str) -> None:
    """What was spoken is stored as G.711 WAV of the line's own law, unchanged."""
    sound = speech(1, 5000)
    record_message(box, sound, law=law)
    message = one_stored(box)
    contents = (box.home / message.path).read_bytes()
    assert contents == header(law, len(sound)) + sound
    assert (message.law, message.length_ms, message.sha256) == (
        law,
        5000,
        hashlib.sha256(contents).hexdigest(),
    )
    assert (message.caller, message.received_at, message.interrupted) == (
        a_call().caller,
        TEN,
        False,
    )


def test_trimmed_ends_and_odd_lengths(box: Box) -> None:
    """Tone at the end is dropped; an odd length is padded as RIFF asks and said rightly."""
    sound = speech(2, 3000) + b"x"
    record_message(box, sound, trim_ms=500)
    message = one_stored(box)
    assert box.sound(message) == sound[:-4000]
    assert (box.home / message.path).stat().st_size == 58 + 20001 + 1


def test_stored_is_said_once_and_after_the_lamp_counts(box: Box) -> None:
    """One MessageStored a message, then how many wait; at start the number is told first."""
    assert box.wait_for(MessagesWaiting) == MessagesWaiting(0)
    record_message(box, speech(1, 2500))
    record_message(box, speech(2, 2500), "a-2")
    facts = box.settle()
    first, second = (m.id for m in reversed(box.listed()))
    assert facts == [
        MessageStored("a-1", first, 2500), MessagesWaiting(1),
        MessageStored("a-2", second, 2500), MessagesWaiting(2),
    ]  # fmt: skip


def test_stored_is_said_only_when_file_and_row_are_there(tmp_path: Path) -> None:
    """Whoever hears MessageStored finds the message whole, on disk and in the list."""
    box = Box(tmp_path)
    seen: list[bool] = []

    def post(fact: object) -> None:
        if isinstance(fact, MessageStored):
            message = next(m for m in box.listed() if m.id == fact.message)
            seen.append(
                hashlib.sha256((box.home / message.path).read_bytes()).hexdigest() == message.sha256
            )

    box.facts = type("Facts", (), {"put": staticmethod(post)})()
    box.start()
    record_message(box, speech(1, 2500))
    box.stop()
    assert seen == [True]


def test_the_order_of_the_protocol(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound synced, sidecar synced, both renamed, folder synced, row committed, and only then told.

    A missing sync of the folder would show in no power cut as long as the records lie on the same
    ext4, whose journal their own sync commits: so the order itself is looked at.
    """
    steps: list[str] = []
    box.settle()

    def name(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name.partition(".")[2] or "folder"

    def watch(place: Any, what: str, say: Callable[..., str]) -> None:
        real = getattr(place, what)

        def call(*arguments: Any) -> Any:
            steps.append(say(*arguments))
            return real(*arguments)

        monkeypatch.setattr(place, what, call)

    watch(os, "fsync", lambda descriptor: f"sync {name(descriptor)}")
    watch(Path, "rename", lambda _, target: f"rename to {target.parent.name} {target.suffix}")
    watch(box.records, "store_message", lambda *_: "commit")
    monkeypatch.setattr(box.mailbox._writer, "_look", lambda: None)
    monkeypatch.setattr(
        box.mailbox._writer,
        "_to",
        replace(box.mailbox._writer._to, post=lambda f: steps.append(type(f).__name__)),
    )
    record_message(box, speech(1, 2500))
    box.settle()
    assert steps == [
        "sync meta", "sync folder",  # before the first sound
        "sync part", "sync done", "rename to new .meta", "rename to new .wav",
        "sync folder", "sync folder",
        "commit", "MessageStored", "MessagesWaiting",
    ]  # fmt: skip


def test_recordings_side_by_side_do_not_mix(box: Box) -> None:
    """Several lines record at once."""
    for name in ("a", "b"):
        box.mailbox.begin(name, "ulaw", a_call(name))
    for i in range(200):
        box.mailbox.append("a", speech(i, 20))
        box.mailbox.append("b", speech(1000 + i, 20))
    for name in ("a", "b"):
        box.mailbox.finish(name)
    box.settle()
    sounds = {m.call: box.sound(m) for m in box.listed()}
    assert sounds == {
        "a": b"".join(speech(i, 20) for i in range(200)),
        "b": b"".join(speech(1000 + i, 20) for i in range(200)),
    }


def test_a_dropped_recording_leaves_nothing(box: Box) -> None:
    """Too short to be a message: only its call record stays."""
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", speech(1, 500))
    box.mailbox.drop("a-1")
    box.settle()
    assert (box.names("rec"), box.names("new"), box.listed()) == (set(), set(), ())


def test_after_a_message_nothing_is_left_in_rec(box: Box) -> None:
    """A stored message lies in new/ with its sidecar, and nowhere else."""
    record_message(box, speech(1, 2500))
    message = one_stored(box)
    box.settle()
    assert box.names("rec") == set()
    assert box.names("new") == {f"{message.id}.wav", f"{message.id}.meta"}


def test_a_gap_keeps_its_place_and_is_told_of(box: Box) -> None:
    """Sound lost before it came here is silence in the file and a number in the list."""
    box.mailbox.begin("a-1", "alaw", a_call())
    box.mailbox.append("a-1", speech(1, 1500))
    box.mailbox.gap("a-1", 400)
    box.mailbox.append("a-1", speech(2, 1500))
    box.mailbox.finish("a-1")
    message = one_stored(box)
    assert box.sound(message) == speech(1, 1500) + b"\xd5" * 3200 + speech(2, 1500)
    assert (message.gap_ms, message.length_ms) == (400, 3400)


def test_a_disk_stalled_for_20_s_loses_no_sound_and_delays_nobody(box: Box) -> None:
    """F8: sound goes on arriving while the card stalls; all of it is stored afterwards."""
    box.mailbox.begin("a-1", "ulaw", a_call())
    go_on = hold(box)
    sound = speech(1, 20_000)
    for at in range(0, len(sound), 160):
        box.mailbox.append("a-1", sound[at : at + 160])
    box.mailbox.finish("a-1")
    go_on.set()
    message = one_stored(box)
    assert (box.sound(message), message.gap_ms) == (sound, 0)


def test_memory_is_bounded_and_what_it_costs_is_a_told_gap(tmp_path: Path) -> None:
    """Beyond the bound sound becomes a gap of the right length: in the event, list and file."""
    box = Box(tmp_path, replace(SMALL, backlog_ms=3000)).start()
    box.mailbox.begin("a-1", "ulaw", a_call())
    go_on = hold(box)
    for _ in range(250):
        box.mailbox.append("a-1", b"\x11" * 160)
    go_on.set()
    box.settle()
    box.mailbox.append("a-1", b"\x22" * 160)
    box.mailbox.finish("a-1")
    assert box.wait_for(RecordingGap) == RecordingGap("a-1", 2000)
    message = one_stored(box)
    assert box.sound(message) == b"\x11" * 24_000 + b"\xff" * 16_000 + b"\x22" * 160
    assert message.gap_ms == 2000
    box.stop()


def test_sound_lost_at_the_very_end_is_told_too(tmp_path: Path) -> None:
    """The gap is counted when the recording ends in it."""
    box = Box(tmp_path, replace(SMALL, backlog_ms=3000)).start()
    box.mailbox.begin("a-1", "ulaw", a_call())
    go_on = hold(box)
    for _ in range(200):
        box.mailbox.append("a-1", b"\x11" * 160)
    box.mailbox.finish("a-1")
    go_on.set()
    message = one_stored(box)
    assert (message.gap_ms, message.length_ms) == (1000, 4000)
    box.stop()


def test_sound_reaches_the_disk_while_the_caller_speaks(box: Box) -> None:
    """A power cut costs at most the last `sync_s` of sound: it is synced as it grows."""
    synced = threading.Event()
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.settle()
    handle = box.mailbox._writer._open["a-1"]
    real = os.fdatasync
    try:
        os.fdatasync = lambda fd: (real(fd), synced.set())[0]  # type: ignore[func-returns-value] # a spy
        box.mailbox.append("a-1", speech(1, 20))
        assert synced.wait(LIMIT)
    finally:
        os.fdatasync = real
    assert box.home.joinpath("rec", f"{handle.id}.part").read_bytes()[58:] == speech(1, 20)


def test_the_newest_record_goes_with_the_message(box: Box) -> None:
    """`finish` may bring a newer record than `begin` had."""
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", speech(1, 2500))
    box.mailbox.finish("a-1", record=replace(a_call(), called="800011837"))
    assert one_stored(box).called == "800011837"


def test_orders_for_unknown_recordings_do_nothing(box: Box) -> None:
    """Late or doubled orders are no error of the thread."""
    box.mailbox.append("x", b"1")
    box.mailbox.gap("x", 10)
    box.mailbox.finish("x")
    box.mailbox.drop("x")
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", b"")
    box.mailbox.drop("a-1")
    assert without_counts(box.settle()) == []
    assert box.mailbox.is_alive


def test_an_empty_recording_is_no_message(box: Box) -> None:
    """Nothing recorded, or all of it trimmed: StoreFailed, and nothing in the list."""
    for trim_ms in (0, 9000):
        box.mailbox.begin("a-1", "ulaw", a_call())
        if trim_ms:
            box.mailbox.append("a-1", speech(1, 1000))
        box.mailbox.finish("a-1", trim_ms)
        assert "no sound" in box.wait_for(StoreFailed).reason
    box.settle()
    assert (box.listed(), box.names("new"), box.names("rec")) == ((), set(), set())


def test_a_law_that_is_none_is_refused_in_a_sentence(box: Box) -> None:
    """A mistake of ours does not end the thread."""
    record_message(box, b"12345", law="gsm")
    assert "'gsm'" in box.wait_for(StoreFailed).reason
    record_message(box, speech(1, 2500), "a-2")
    one_stored(box)


# --- when the disk fails ------------------------------------------------------------------------


def failing(real: Callable[..., Any], code: int, when: Callable[[int], bool]) -> Callable[..., Any]:
    """Wrap a system call: its n-th use fails with `code` where `when(n)`, n from 1."""
    count = 0

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        count += 1
        if when(count):
            raise OSError(code, os.strerror(code))
        return real(*arguments, **named)

    return call


@pytest.mark.parametrize("name", ["fsync", "fdatasync", "pwrite"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6])
def test_an_io_error_is_never_told_as_stored(
    box: Box, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> None:
    """F5: whichever system call fails once, a caller told "stored" has it; else what reached the
    disk is kept for call control, once, flagged as interrupted, and the box goes on.
    """
    box.wait_for(MessagesWaiting)
    monkeypatch.setattr(os, name, failing(getattr(os, name), errno.EIO, lambda n: n == nth))
    sound = speech(1, 4000)
    record_message(box, sound)
    facts = [f for f in box.settle() if isinstance(f, (MessageStored, StoreFailed))]
    monkeypatch.undo()
    stored = [f for f in facts if isinstance(f, MessageStored)]
    assert len(stored) == (0 if StoreFailed in map(type, facts) else 1)
    record_message(box, speech(2, 2500), "a-2")
    assert box.wait_for(MessageStored).call == "a-2"
    kept = [m for m in box.listed() if m.call == "a-1"]
    assert len(kept) <= 1
    for message in kept:
        # a message that failed on its very last fsync is whole after all
        assert (
            sound.startswith(box.sound(message))
            if message.interrupted
            else box.sound(message) == sound
        )
    if stored:
        assert not kept[0].interrupted


def test_a_disk_that_fails_for_ever_ends_in_sentences_and_a_living_thread(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: no exception leaves the thread; when the disk is back so is voicemail."""
    monkeypatch.setattr(os, "fsync", failing(os.fsync, errno.EIO, lambda _: True))
    record_message(box, speech(1, 4000))
    assert "not surely stored" in box.wait_for(StoreFailed).reason
    box.settle()
    assert storage.FAILING in box.troubles
    monkeypatch.undo()
    record_message(box, speech(2, 2500), "a-2")
    assert box.wait_for(MessageStored).call == "a-2"


def test_a_disk_that_fails_again_asks_for_a_restart(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F5: after the second failed fsync the page cache is not trusted; one that is stored ends it,
    and no caller was told "stored" meanwhile.
    """
    box.wait_for(MessagesWaiting)
    monkeypatch.setattr(os, "fsync", failing(os.fsync, errno.EIO, lambda _: True))
    for name in ("a-1", "a-2"):
        record_message(box, speech(1, 2500), name)
    facts = box.settle()
    assert not [fact for fact in facts if isinstance(fact, MessageStored)]
    assert box.troubles[-1] == VOICEMAIL_UNSURE
    monkeypatch.undo()
    record_message(box, speech(2, 2500), "a-3")
    assert box.wait_for(MessageStored).call == "a-3"
    box.settle()
    assert box.troubles[-1] != VOICEMAIL_UNSURE


def test_a_full_disk_gives_the_ballast_back_and_stores_the_message(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6: at ENOSPC the ballast goes first, and the message is whole."""
    box.settle()
    ballast = box.home / "ballast"
    assert ballast.stat().st_size == SMALL.ballast_bytes
    full = failing(os.pwrite, errno.ENOSPC, lambda _: ballast.exists())
    monkeypatch.setattr(os, "pwrite", full)
    sound = speech(1, 4000)
    record_message(box, sound)
    assert box.sound(one_stored(box)) == sound
    monkeypatch.undo()
    box.settle()
    assert ballast.exists()  # put back once there is space again


def test_a_disk_full_for_good_keeps_what_was_spoken_before(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6: told as not stored, kept up to that point as an interrupted message."""
    sound = speech(1, 4000)
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", sound[:24_000])
    box.settle()
    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", failing(os.pwrite, errno.ENOSPC, lambda _: True))
        box.mailbox.append("a-1", sound[24_000:])
        assert "full" in box.wait_for(StoreFailed).reason  # at once, while the caller speaks
    box.mailbox.finish("a-1")
    assert box.wait_for(StoreFailed).call == "a-1"
    box.settle()
    (message,) = box.listed()
    assert (box.sound(message), message.interrupted) == (sound[:24_000], True)


def test_with_too_little_space_no_message_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the low-water mark: a sentence at once, call control knows, messages are kept; and
    back.
    """
    free = [10]
    monkeypatch.setattr(storage, "free_bytes", lambda _: free[0])
    box = Box(
        tmp_path, MailboxLimits(ballast_bytes=64, low_water_bytes=100, high_water_bytes=200)
    ).start()
    record_message(box, speech(1, 4000))
    assert "too little space" in box.wait_for(StoreFailed).reason
    box.settle()
    assert (box.troubles[-1], box.mailbox.has_room) == (storage.NO_ROOM, False)
    for free[0], trouble in ((150, storage.LITTLE_ROOM), (250, None)):
        record_message(box, speech(2, 2500), "a-2")
        box.wait_for(MessageStored)
        box.settle()
        assert (box.troubles[-1], box.mailbox.has_room) == (trouble, True)
    box.stop()


@pytest.mark.parametrize(
    ("total_mb", "low_mb", "high_mb"),
    [(0, 0, 0), (60, 10, 20), (384, 64, 128), (600, 64, 200), (768, 64, 256), (32_000, 64, 256)],
)
def test_the_marks_of_a_small_card_are_lower(total_mb: int, low_mb: int, high_mb: int) -> None:
    """Else a card of 256 MB would alarm for ever, and of 64 MB take no message at all."""
    assert water_marks(MailboxLimits(), total_mb << 20) == (low_mb << 20, high_mb << 20)
    assert water_marks(MailboxLimits(low_water_bytes=0, high_water_bytes=0), total_mb << 20) == (
        0,
        0,
    )


@pytest.mark.parametrize(("total_mb", "spare_mb"), [(30_000, 129), (444, 237), (3_000, 129)])
def test_what_others_may_take_of_a_small_card_is_what_messages_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total_mb: int, spare_mb: int
) -> None:
    """An update fits on a card of 2 GB, too: its marks are lower."""
    usage = SimpleNamespace(total=total_mb << 20, free=385 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert spare_bytes(tmp_path) == spare_mb << 20


def test_a_failing_disk_is_worse_than_one_with_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F7: what is told is that messages may not be stored, not that space is running out."""
    monkeypatch.setattr(storage, "free_bytes", lambda _: 150)
    box = Box(
        tmp_path, MailboxLimits(ballast_bytes=64, low_water_bytes=100, high_water_bytes=200)
    ).start()
    box.settle()
    assert box.troubles[-1] == storage.LITTLE_ROOM
    with monkeypatch.context() as broken:
        for name in ("fsync", "fdatasync"):
            broken.setattr(os, name, failing(getattr(os, name), errno.EROFS, lambda _: True))
        broken.setattr(Path, "unlink", failing(Path.unlink, errno.EROFS, lambda _: True))
        record_message(box, speech(1, 4000))
        box.settle()
    assert box.troubles[-1] == storage.FAILING
    box.stop()


def test_a_recording_that_cannot_be_removed_is_no_message_either(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropping fails: nobody is told anything, and the next start removes it."""
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", speech(1, 500))
    box.settle()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", failing(Path.unlink, errno.EIO, lambda _: True))
        box.mailbox.drop("a-1")
        assert without_counts(box.settle()) == []
    assert len(box.names("rec")) == 2
    box.stop()
    box.start().settle()
    assert (box.names("rec"), box.listed()) == (set(), ())


def test_stored_is_stored_even_if_tidying_up_fails(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left in rec/ after the commit is no reason to deny the message."""
    box.settle()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", failing(Path.unlink, errno.EROFS, lambda n: n > 2))
        record_message(box, speech(1, 2500))
        assert [type(f) for f in without_counts(box.settle())] == [MessageStored]
    assert box.mailbox.is_alive


def test_a_disk_that_tells_nothing_is_a_trouble(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the free space cannot be asked the fault is shown, and ends."""
    box.settle()
    with monkeypatch.context() as broken:
        broken.setattr(os, "statvfs", failing(os.statvfs, errno.EIO, lambda _: True))
        record_message(box, speech(1, 2500))
        assert "disk failed" in box.wait_for(StoreFailed).reason
        box.settle()
    assert box.troubles[-1] == storage.FAILING
    record_message(box, speech(1, 2500), "a-2")
    box.wait_for(MessageStored)
    box.settle()
    assert box.troubles[-1] is None


class StubbornIndex:
    """Records that refuse messages until they are told to take them."""

    def __init__(self) -> None:
        self.willing = False
        self.stored: dict[str, CallRecord] = {}

    def store_message(self, message: Message, record: CallRecord) -> int:
        """Refuse, or take."""
        if not self.willing:
            raise StoreError("the records cannot be written: check the disk")
        self.stored[message.id] = record
        return len(self.stored)

    def store_request(self, message: Message, request: NewRequest) -> int:
        """Take no request: none is taken here."""
        raise StoreError(f"no request is expected here: {request.subject}")

    def known_messages(self) -> frozenset[str]:
        """Say what was taken."""
        return frozenset(self.stored)

    def messages_waiting(self) -> int:
        """Count what was taken."""
        return len(self.stored)


def test_without_a_row_it_is_not_stored_and_later_it_is(tmp_path: Path) -> None:
    """The records fail: StoreFailed; the file waits and is told as stored once it has a row."""
    index = StubbornIndex()
    box = Box(tmp_path)
    mailbox = writer_mailbox(box, index)
    mailbox.begin("a-1", "ulaw", a_call())
    mailbox.append("a-1", speech(1, 2500))
    mailbox.finish("a-1")
    assert "records" in box.wait_for(StoreFailed).reason
    index.willing = True
    stored = box.wait_for(MessageStored)
    assert (stored.call, set(index.stored)) == ("a-1", {stored.message})
    mailbox.stop()
    assert box.troubles[-1] is None


def writer_mailbox(box: Box, index: recording.MessageIndex) -> Any:
    """Start a mailbox over another index."""

    return Mailbox(box.home, index, header, box.facts.put, box.troubles.append, SMALL).start()


def test_a_fault_that_stays_ends_in_a_trouble_that_asks_for_a_restart(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is recorded any more: it is not borne silently."""
    monkeypatch.setattr(workers, "PAUSES_S", (0.001, 0.001))
    told = threading.Event()
    monkeypatch.setattr(box.mailbox._worker, "_on_failure", lambda _: told.set())
    for _ in range(workers.LASTING):
        box.mailbox._commands.put(lambda: [][0])
    assert told.wait(LIMIT)
    assert storage.ENDED.restart


def test_closing_a_message_puts_the_lamp_out(box: Box) -> None:
    """P9: a closed message no longer waits; the lamp follows."""
    record_message(box, speech(1, 2500))
    message = one_stored(box)
    box.settle()
    box.records.close_message(message.id, "op1", MessageOutcome.CALLED_BACK, TEN)
    box.mailbox.recount()
    assert box.wait_for(MessagesWaiting) == MessagesWaiting(0)


def test_files_are_for_the_daemon_alone(box: Box) -> None:
    """Callers' voices are nobody else's but the console's, which plays them: its group reads whole
    messages, and neither what is being recorded nor what is kept of calls.
    """
    record_message(box, speech(1, 2500))
    message = one_stored(box)
    sound = box.home / message.path
    shown = [path.stat().st_mode & 0o777 for path in (box.home, box.home / "new", sound)]
    assert shown == [0o750, 0o750, 0o640]
    hidden = (box.home / "rec", box.home / "corrupt", sound.with_suffix(".meta"))
    assert [path.stat().st_mode & 0o777 for path in hidden] == [0o700, 0o700, 0o600]


def test_a_fault_of_ours_costs_one_message_and_no_other(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call hears StoreFailed, so that the caller is told; the next message is stored."""
    sealed = Recording.seal

    def seal(self: Recording, trim_ms: int) -> Message:
        if self.record.call == "bad":
            raise KeyError("a fault of ours")
        return sealed(self, trim_ms)

    monkeypatch.setattr(Recording, "seal", seal)
    for call in ("bad", "good"):
        box.mailbox.begin(call, "ulaw", a_call(call))
        box.mailbox.append(call, speech(1, 3000))
        box.mailbox.finish(call)
    facts = box.settle()
    assert {fact.call for fact in facts if isinstance(fact, StoreFailed)} == {"bad"}
    assert [fact.call for fact in facts if isinstance(fact, MessageStored)] == ["good"]
    assert box.mailbox.is_alive


def test_a_command_that_fails_does_not_end_the_mailbox(box: Box) -> None:
    """Sound for a recording that is not there: the thread goes on."""
    box.mailbox._commands.put(lambda: box.mailbox._writer.append("nobody's", b"x"))
    box.mailbox.begin("a-1", "ulaw", a_call())
    box.mailbox.append("a-1", speech(1, 3000))
    box.mailbox.finish("a-1")
    assert any(isinstance(fact, MessageStored) for fact in box.settle())


def test_the_ballast_is_on_the_disk_before_anybody_relies_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blocks are brought to the card: after a power cut there is something to give back."""
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        synced.append((name, os.fstat(descriptor).st_blocks * 512))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    storage.set_ballast(tmp_path / "ballast", 65_536)
    assert ("ballast", 65_536) in synced


def test_that_there_is_no_room_is_told_before_anybody_speaks(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up, and empties, without any message: callers are told in time, each once."""
    monkeypatch.setattr(recording, "LOOK_S", 0.0)
    monkeypatch.setattr(storage, "free_bytes", lambda _: -1)
    box.mailbox.recount()
    assert box.wait_for(RoomForMessages) == RoomForMessages(False)
    box.mailbox.recount()
    assert not [fact for fact in box.settle() if isinstance(fact, RoomForMessages)]
    monkeypatch.undo()
    monkeypatch.setattr(recording, "LOOK_S", 0.0)
    box.mailbox.recount()
    assert box.wait_for(RoomForMessages) == RoomForMessages(True)
