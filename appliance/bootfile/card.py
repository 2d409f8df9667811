"""The card's FAT partition, and what the box keeps of its file."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from appliance.bootfile.result import undated
from appliance.bootfile.values import LARGEST, NAME
from appliance.errors import TechnicianError
from appliance.files import READABLE, atomic_write
from appliance.policy.text import Refused, why_not

# ---- keeping -----------------------------------------------------------------------------------
# What the box keeps of the card's file, in a folder of root's own: one file, whole or not at all.
#
# It holds the text that is in force, by which a file is known that has changed. It is no part of a
# backup: a restored configuration on a new card is not undone by what that card says.

KEPT_FILE: Final = "site.json"
CONFIG_BEFORE: Final = "before.toml"
"""A configuration that somebody had changed by hand, set aside when the card's took its place."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The file's `text`; the digest of the configuration `made` of it; where its lines are, and
    whether it `waits` for modems; the tables whose `passwords` are kept; the phones whose password
    the box makes (`unsaid`).
    """

    text: str = ""
    made: str = ""
    ports: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    is_blank: bool = False
    passwords: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


def load_kept(folder: Path) -> Kept | None:
    """Read what is kept; None for nothing, or nothing that can be read."""
    try:
        data = json.loads((folder / KEPT_FILE).read_text(encoding="utf-8"))
        kept = Kept(**data)
        same = {key: type(value) for key, value in asdict(Kept()).items()}
        is_whole = all(type(getattr(kept, key)) is kind for key, kind in same.items())
    except (OSError, ValueError, TypeError):
        return None
    return kept if is_whole else None


def save_kept(folder: Path, kept: Kept) -> None:
    """Keep it; raises OSError, and then what was kept before still is."""
    atomic_write(folder / KEPT_FILE, json.dumps(asdict(kept), ensure_ascii=False))


def digest_of(contents: bytes) -> str:
    """Return by what a configuration is known again."""
    return hashlib.sha256(contents).hexdigest()


def contents_of(path: Path) -> bytes:
    """Return what lies in a file, b"" for nothing that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


# ---- card --------------------------------------------------------------------------------------
# The card's FAT partition: read-only but for the moment in which the answer is written.
#
# FAT knows no journal: the file that the technician edits is never opened for writing, and the
# answer is written beside it under another name first. A power cut costs the answer at most.

ANSWER: Final = "centralino-result.txt"
CARD_BEFORE: Final = "centralino-before.toml"
"""The technician's file as it was before one was brought to the running box."""
LIMIT_S: Final = 30.0
BUSY_S, LOOK_AGAIN_S = 20.0, 0.2
"""So long a reader of the answer of before is waited for."""


def read_card(folder: Path) -> bytes:
    """Read the technician's file; raises Refused with what is wrong and what to do."""
    try:
        with (folder / NAME).open("rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise _missing(folder) from error
    except OSError as error:
        why = why_not(error)
        raise Refused(f"non si legge: {why.it}", f"cannot be read: {why.en}") from error


def _missing(folder: Path) -> Refused:
    names = _names(folder)
    if not names:
        return Refused(
            "la prima partizione della scheda non si legge: scrivere di nuovo la scheda",
            "the first partition of the card cannot be read: write the card again",
        )
    like = [name for name in names if name.lower().startswith("centralino.") and name != ANSWER]
    if like:
        return Refused(
            f"il file si chiama {like[0]}: dargli il nome {NAME} (Windows nasconde la fine dei "
            "nomi: mostrare le estensioni)",
            f"the file's name is {like[0]}: give it the name {NAME} (Windows hides the end of "
            "names: have the extensions shown)",
        )
    return Refused(
        "il file non c'è: copiare sulla scheda quello fornito e compilarlo",
        "the file is missing: copy the delivered one to the card and fill it in",
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def put_on_card(folder: Path, contents: bytes) -> None:
    """Lay a file in the place of the technician's, which is kept beside it; raises OSError,
    TechnicianError. FAT knows no journal: a power cut in the middle leaves the one kept.
    """
    with _writable(folder):
        if before := contents_of(folder / NAME):
            atomic_write(folder / CARD_BEFORE, before, mode=READABLE)
        atomic_write(folder / NAME, contents, mode=READABLE)


def tell(folder: Path, text: str) -> bool:
    """Write the answer beside the file; returns False where it says so already, whenever that was
    written in this start.

    As Windows' editors want it: UTF-8 with a mark, lines ended by CR LF. Raises OSError,
    TechnicianError.
    """
    contents = text.replace("\n", "\r\n").encode("utf-8-sig")
    before = contents_of(folder / ANSWER).decode("utf-8-sig", "replace").replace("\r\n", "\n")
    if undated(before) == undated(text):
        return False
    with _writable(folder):
        atomic_write(folder / ANSWER, contents, mode=READABLE)
    return True


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Let the partition be written to meanwhile; a mere folder is as it is."""
    if not os.path.ismount(folder):
        yield
        return
    with _alone(folder):
        _remount(folder, "rw")
        try:
            yield
        finally:
            _close(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes there: who ended first would make it read-only for both."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _close(folder: Path) -> None:
    """Make it read-only again; whoever has the answer of before open, whose name is gone, keeps
    the kernel from that (EBUSY of mount(2)) until it is closed.
    """
    until = time.monotonic() + BUSY_S
    while True:
        try:
            return _remount(folder, "ro")
        except TechnicianError:
            if time.monotonic() > until:
                raise
        time.sleep(LOOK_AGAIN_S)


def _remount(folder: Path, how: str) -> None:
    """Remount it, and leave /run/mount/utab as it is: nobody needs what mount(8) would note there,
    and where it has noted something once, the unit's filter keeps it from the next time.
    """
    done = subprocess.run(
        ("mount", "--no-mtab", "-o", f"remount,{how}", str(folder)),
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_S,
    )
    if done.returncode:
        raise TechnicianError(f"{folder} cannot be mounted {how}: {done.stderr.strip()}")
