"""The memory card is full: who speaks into it is told so at once; room made for it is used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.errors import PeerError
from appliance.simulator.exchange.process import RunningCall
from tests.faults.disk import run
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.system.calls import in_state, into_voicemail, record_of

pytestmark = pytest.mark.system

DISK_MB, LEFT_MB = 256, 32
"""With less than 64 MB left no message is begun (voicemail/storage.py)."""
SPOKEN_BYTES = 8000
"""Sound of one second, silence apart: somebody speaks."""


@contextlib.contextmanager
def small_disk(folder: Path, mount: Path, size_mb: int = DISK_MB) -> Iterator[Path]:
    """Mount a small ext4 where the box keeps its state."""
    image = folder / "image"
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    mount.mkdir(parents=True)
    run("mkfs.ext4", "-q", "-m", "0", image)
    run("mount", "-o", "loop", image, mount)
    try:
        yield mount
    finally:
        run("umount", mount)


def heard_from_now(caller: RunningCall) -> bytes:
    """Wait until the caller is let go; returns what they heard meanwhile."""
    with contextlib.suppress(TimeoutError, PeerError):
        caller.wait_for("nothing of the kind", 0.1)
    before = len(caller.heard)
    caller.wait(30.0)
    return bytes(caller.heard[before:])


def fill(disk: Path) -> Path:
    """Leave too little room for a message; returns what fills the disk."""
    blocks, size = run("stat", "-f", "-c", "%a %S", disk).split()
    filler = disk / "filler"
    run("fallocate", "-l", str(int(blocks) * int(size) - (LEFT_MB << 20)), filler)
    return filler


def is_out_of_space(box: Box) -> bool:
    """Tell whether callers hear that no message can be kept."""
    return any("out of space" in trouble for trouble in box.troubles())


def test_a_caller_who_speaks_into_a_full_disk_is_told_and_the_next_is_served(
    tmp_path: Path,
) -> None:
    """B5: a sentence, then let go; once there is room, messages are kept, without a restart."""
    require("mkfs.ext4", "losetup", root=True)
    folder = tmp_path / "box"
    with small_disk(tmp_path, folder / "state") as disk, Box(folder) as box:
        box.ask("SetClosed", on=True, by="test", until=None)
        filler = fill(disk)
        name, caller = into_voicemail(box, 30.0)
        in_state(box, "farewell")
        sentence = heard_from_now(caller)
        refused = record_of(box, name)
        filler.unlink()
        box.wait_until(lambda: not is_out_of_space(box), 90.0, "the room is not seen")
        name, caller = into_voicemail(box, 4.0)
        in_state(box, "recording")
        caller.press("#")  # once that is said
        caller.wait(30.0)
        kept = record_of(box, name)
        messages = box.messages()
    assert refused.result is Result.NOT_STORED
    assert refused.trail[-3:] == ("recording", "store.failed", "ended"), "they spoke to the end"
    assert len(sentence) - sentence.count(0xFF) > SPOKEN_BYTES
    assert kept.result is Result.MESSAGE
    assert [message.call for message in messages] == [name]
