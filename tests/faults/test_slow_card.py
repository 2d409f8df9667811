"""F5, F8: a card that is slow, that stalls, that refuses every write for a while."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from appliance.calls.events import MessageStored, RecordingGap, StoreFailed
from appliance.voicemail.mailbox import Mailbox
from tests.faults.card import card, refusing, slow
from tests.faults.disk import start_anew
from tests.faults.needs import require
from tests.faults.workload import LIMITS
from tests.helpers.figures import Figures
from tests.store.samples import a_call
from tests.system.stall import stalling_disk
from tests.voicemail.box import Box, speech

pytestmark = pytest.mark.system
FRAME_S = 0.02
APPEND_S = 0.5
"""Call control hands a frame over in microseconds; a shared machine may take its turn away."""
STALL_S = 2.0
"""Far longer: whoever waits for the card, waits for the most of it."""


@pytest.fixture(autouse=True)
def _needed() -> None:
    require("nbdkit", "nbdfuse", "fusermount3", "mkfs.ext4", "losetup", root=True)


def speak(box: Box, call: str, seconds: float) -> tuple[bytes, float]:
    """Bring a message frame by frame, as it is spoken; returns it and the longest wait (s)."""
    sound, longest, pace = speech(int(call[1:]), round(1000 * seconds)), 0.0, threading.Event()
    box.mailbox.begin(call, "ulaw", a_call(call))
    began = time.monotonic()
    for n, at in enumerate(range(0, len(sound), 160)):
        pace.wait(max(0.0, began + n * FRAME_S - time.monotonic()))
        asked = time.monotonic()
        box.mailbox.append(call, sound[at : at + 160])
        longest = max(longest, time.monotonic() - asked)
    return sound, longest


def one_stored(box: Box, call: str, sound: bytes) -> None:
    """Wait until a call is told as stored, without a gap and whole."""
    box.mailbox.finish(call)
    while not isinstance(fact := box.facts.get(timeout=30.0), MessageStored):
        assert not isinstance(fact, (StoreFailed, RecordingGap)), fact
    assert box.sound(next(m for m in box.listed() if m.call == call)) == sound


def test_a_slow_card_keeps_nobody_waiting(tmp_path: Path, figures: Figures) -> None:
    """F8: each write takes 20 ms; whoever brings the sound does not wait, and all of it is kept."""
    with card(tmp_path, slow(20)) as (mount, _):
        box = Box(mount, LIMITS).start()
        box.settle()
        sound, longest = speak(box, "c1", 3.0)
        asked = time.monotonic()
        one_stored(box, "c1", sound)
        took = time.monotonic() - asked
        box.stop()
    figures.say(f"F8 20 ms a write: a frame waits {1000 * longest:.1f} ms at most, "
                f"stored {took:.1f} s after the end")  # fmt: skip
    assert longest < APPEND_S


def stalled(folder: Path) -> float:
    """Speak while a card stalls for 2 s; returns the longest wait (s), all is stored."""
    with stalling_disk(folder, folder / "mount") as disk:
        box = Box(disk.mount, LIMITS).start()
        box.settle()
        with disk.stalled():
            sound, longest = speak(box, "c1", STALL_S)
        one_stored(box, "c1", sound)
        box.stop()
    return longest


def test_a_card_that_stalls_keeps_nobody_waiting(tmp_path: Path, figures: Figures) -> None:
    """F8: for 2 s nothing is written; no frame waits, and none is lost."""
    longest = stalled(tmp_path)
    figures.say(f"F8 stall of {STALL_S:.0f} s: a frame waits {1000 * longest:.1f} ms at most")
    assert longest < APPEND_S


def test_who_writes_to_the_disk_as_the_sound_comes_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mailbox that waits for its disk stalls with it: the rig can fail."""
    real, left = Mailbox.append, [2 * APPEND_S]

    def append(self: Mailbox, recording: str, data: bytes) -> None:
        done, began = threading.Event(), time.monotonic()
        real(self, recording, data)
        self._commands.put(done.set)
        done.wait(left[0])
        left[0] -= time.monotonic() - began

    monkeypatch.setattr(Mailbox, "append", append)
    assert stalled(tmp_path) > APPEND_S


def test_a_card_that_refuses_every_write_loses_nothing_that_was_told(
    tmp_path: Path, figures: Figures
) -> None:
    """F5: EIO from the card itself, while somebody speaks: they are told so, the box goes on; the
    next boot finds what was stored before, whole, and takes messages again.
    """
    switch = tmp_path / "switch"
    with card(tmp_path, refusing(switch)) as (mount, device):
        box = Box(mount, LIMITS).start()
        sound, _ = speak(box, "c1", 2.5)
        one_stored(box, "c1", sound)
        switch.touch()
        speak(box, "c2", 2.5)
        box.mailbox.finish("c2")
        assert "disk failed" in box.wait_for(StoreFailed).reason
        assert box.mailbox.is_alive
        assert box.records.is_alive
        box.stop()
        switch.unlink()
        start_anew(mount, device, tmp_path / "copy")
        box.start().settle()
        kept = {m.call: m for m in box.listed()}
        assert box.sound(kept["c1"]) == sound
        assert all(m.interrupted for call, m in kept.items() if call != "c1")
        second, _ = speak(box, "c3", 2.5)
        one_stored(box, "c3", second)
        box.stop()
    figures.say(f"F5 EIO from the card: {len(kept)} of 2 messages after the next boot, c1 whole")
