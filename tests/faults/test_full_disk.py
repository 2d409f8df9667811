"""F6 and F7: a real ext4 that is full, read-only, or turns read-only under the daemon."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from appliance.calls.events import MessageStored, MessagesWaiting, StoreFailed
from appliance.errors import StoreError
from appliance.store.database import open_reader
from tests.faults.disk import run
from tests.faults.needs import require
from tests.helpers.figures import Figures
from tests.store.samples import a_call
from tests.voicemail.box import Box, speech

pytestmark = pytest.mark.system


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Make an ext4 of 16 MB."""
    require("mkfs.ext4", "losetup", root=True)
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ext4", "-q", "-J", "size=4", "-m", "0", image)
    return image


@pytest.fixture
def disk(image: Path, tmp_path: Path) -> Iterator[Path]:
    """Mount it as the image's data partition is mounted."""
    mount = tmp_path / "mount"
    mount.mkdir()
    run("mount", "-o", "loop,errors=remount-ro", image, mount)
    yield mount
    run("umount", mount)


def fill(path: Path, leave: int) -> None:
    """Fill a disk but for about `leave` bytes."""
    block = bytes(64 << 10)
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            if file.write(block) < len(block):
                raise OSError(errno.ENOSPC, "full")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - leave)


def record(box: Box, call: str, ms: int) -> bytes:
    """Bring a message."""
    sound = speech(int(call[1:]), ms)
    box.mailbox.begin(call, "ulaw", a_call(call))
    for at in range(0, len(sound), 800):
        box.mailbox.append(call, sound[at : at + 800])
    box.mailbox.finish(call)
    return sound


def test_the_disk_fills_while_the_caller_speaks(disk: Path, figures: Figures) -> None:
    """F6: not told as stored; what was spoken before is on the list once there is space again,
    without a restart; messages already stored are untouched.
    """
    box = Box(disk).start()
    first = record(box, "c1", 3000)
    box.wait_for(MessageStored)
    fill(disk / "filler", 128 << 10)
    sound = record(box, "c2", 60_000)
    assert "full" in box.wait_for(StoreFailed).reason
    (disk / "filler").unlink()
    assert box.wait_for(MessagesWaiting) == MessagesWaiting(2)
    second, before = box.listed()
    assert second.interrupted
    assert sound.startswith(box.sound(second))
    assert box.sound(before) == first
    kept = len(box.sound(second)) / len(sound)
    figures.say(f"F6 full while a caller speaks: told so, {100 * kept:.0f} % of the words kept")
    record(box, "c3", 3000)
    assert box.wait_for(MessageStored).call == "c3"
    box.stop()


def test_the_disk_turns_read_only_under_the_daemon(disk: Path) -> None:
    """F7: each message ends in a sentence, the trouble is shown, both threads live."""
    box = Box(disk).start()
    box.settle()
    loop = Path(run("findmnt", "-n", "-o", "SOURCE", disk)).name
    Path(f"/sys/fs/ext4/{loop}/trigger_fs_error").write_text("1")
    record(box, "c1", 3000)
    assert "disk failed" in box.wait_for(StoreFailed).reason
    box.records.write_call(a_call("c2"))
    with suppress(StoreError):
        box.records.ask(lambda _: None)
    box.settle()
    codes = {trouble.code for trouble in box.troubles if trouble}
    assert codes >= {"voicemail.failing"}
    assert codes & {"records.failing", "records.unsure"}
    assert box.mailbox.is_alive
    assert box.records.is_alive
    box.stop()


def test_a_card_taken_out_can_be_read_elsewhere(image: Path, tmp_path: Path) -> None:
    """The records of a box at rest are readable on a read-only mount."""
    mount = tmp_path / "mount"
    mount.mkdir()
    run("mount", "-o", "loop", image, mount)
    box = Box(mount).start()
    record(box, "c1", 3000)
    box.wait_for(MessageStored)
    box.stop()
    run("mount", "-o", "remount,ro", mount)
    try:
        with closing(open_reader(mount / "centralino.db")) as reader:
            assert reader.execute("SELECT count(*) FROM messages").fetchone()[0] == 1
    finally:
        run("umount", mount)
