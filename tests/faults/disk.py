"""A real ext4 on a disk whose every write and flush is logged, and the states a power cut leaves.

Between two flushes a disk may keep, lose or tear (by sectors of 512 bytes) each write
(reliability.md 2, R1).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.logrecord import RECORD

SIZE_MB = 16
_PLUGIN = Path(__file__).with_name("logdisk.py")
_MKFS = ("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J", "size=4")
_ENV = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


def run(*command: str | Path) -> str:
    """Run a tool and return what it says; raises CalledProcessError."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_ENV)
    return done.stdout.strip()


@contextlib.contextmanager
def logged_disk(folder: Path, image: Path | None = None) -> Iterator[tuple[Path, Path]]:
    """Mount a logged disk, new or as `image` has it: (mount point, log).

    Unmounted and ended in any case.
    """
    log, mount = folder / "log", folder / "mount"
    mount.mkdir()
    options = [f"size={SIZE_MB}", f"log={log}", *([f"image={image}"] if image else [])]
    with block_device(folder / "nbd", "python", str(_PLUGIN), *options) as device:
        if image is None:
            run(*_MKFS, device)
        with mounted_at(mount, device):
            yield mount, log


@contextlib.contextmanager
def mounted_at(folder: Path, device: str, *options: str) -> Iterator[None]:
    """Mount a device; unmounted in any case, also where a test that failed has left files open or
    unmounted it: what failed first is what is told.
    """
    run("mount", *options, device, folder)
    try:
        yield
        run("umount", folder)
    except BaseException:
        subprocess.run(["umount", "-l", str(folder)], check=False, env=_ENV)
        raise


def start_anew(mount: Path, card: str | Path, copy: Path) -> None:
    """Do what the next boot does with a card: check it and mount it.

    It is a copy that is mounted: whoever has made a mount namespace meanwhile (a sandbox of a unit,
    a machine of another test) still holds the card as it was, and the check would find it in use.
    """
    run("umount", mount)
    run("cp", "--sparse=always", card, copy)
    # status 1: something was mended, which is what the check is for
    done = subprocess.run(["/usr/sbin/e2fsck", "-fy", copy], capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stdout
    run("mount", "-o", "loop,errors=remount-ro", copy, mount)


@contextlib.contextmanager
def block_device(folder: Path, *nbdkit: str) -> Iterator[str]:
    """Serve a disk by nbdkit through FUSE and a loop device; yields the device.

    It is ended in any case. A mount namespace that another test has made in the meantime keeps
    copies of our mounts; they must not keep us waiting (`-z`, `kill`).
    """
    folder.mkdir(parents=True)
    file = folder / "disk"
    command = ["nbdfuse", str(file), "[", "nbdkit", "--exit-with-parent", *nbdkit, "]"]
    with contextlib.ExitStack() as stack:
        fuse = subprocess.Popen(command, env=_ENV)
        stack.callback(_end, fuse)
        _await_file(file)
        stack.callback(run, "fusermount3", "-u", "-z", folder)
        device = run("losetup", "-f", "--show", file)
        stack.callback(run, "losetup", "-d", device)
        yield device


def _end(process: subprocess.Popen[bytes]) -> None:
    """Give a process a moment to end by itself."""
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def mounted(image: Path, folder: Path) -> Iterator[Path]:
    """Mount a copy of an image as a box would at its next start; raises CalledProcessError.

    By a loop device of its own: who makes a mount namespace meanwhile (a sandbox of a unit) keeps
    the file system alive behind our umount, and it goes on writing to what it was mounted of.
    """
    folder.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=image.parent) as copy:
        shutil.copyfile(image, copy.name)
        device = run("losetup", "-f", "--show", copy.name)
        try:
            run("mount", device, folder)
            try:
                yield folder
            finally:
                run("umount", folder)
        finally:
            run("losetup", "-d", device)


@dataclass(frozen=True, slots=True)
class Request:
    """One logged request; `end` is the log's size after it."""

    kind: bytes
    offset: int
    data: memoryview
    end: int


def read_log(contents: bytes) -> list[Request]:
    """Read the requests of a log, without a torn last one."""
    found: list[Request] = []
    at = 0
    view = memoryview(contents)
    while at + RECORD.size <= len(contents):
        kind, offset, length = RECORD.unpack_from(contents, at)
        at += RECORD.size
        data = view[at : at + length] if kind == b"W" else view[:0]
        at += len(data)
        found.append(Request(kind, offset, data, at))
    return found


def crash_states(
    requests: list[Request], points: list[int], image: Path, seed: int, before: bytes = b""
) -> Iterator[int]:
    """Write to `image`, for each index of `points` in rising order, one state of a power cut.

    `before` is what the disk held before the first request. Yields the log position of the cut:
    what was acknowledged up to there must be in the image.
    """
    chance = random.Random(seed)
    durable = bytearray(before or SIZE_MB << 20)
    image.write_bytes(b"")
    with image.open("r+b") as file:
        file.truncate(len(durable))
        with mmap.mmap(file.fileno(), len(durable)) as disk:
            done = 0
            for point in points:
                done = _apply_flushed(requests, durable, done, point)
                disk[:] = bytes(durable)
                for request in requests[done : point + 1]:
                    _maybe(request, disk, chance)
                disk.flush()
                yield requests[point].end


def _apply_flushed(requests: list[Request], durable: bytearray, done: int, point: int) -> int:
    """Make durable what a flush before `point` covers; return the first request that is not."""
    flushed = max((i for i in range(done, point + 1) if requests[i].kind == b"F"), default=done - 1)
    for request in requests[done : flushed + 1]:
        durable[request.offset : request.offset + len(request.data)] = request.data
    return flushed + 1


def _maybe(request: Request, disk: mmap.mmap, chance: random.Random) -> None:
    fate = chance.random()
    if fate < 0.45:
        disk[request.offset : request.offset + len(request.data)] = bytes(request.data)
    elif fate < 0.6:
        for at in range(0, len(request.data), 512):
            if chance.random() < 0.5:
                sector = bytes(request.data[at : at + 512])
                disk[request.offset + at : request.offset + at + len(sector)] = sector


def _await_file(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.stat().st_size):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not appear")
        time.sleep(0.02)
