"""Puts the records of one of the last nights back, from the plain copy on the card itself.

A new state folder is built beside the one that stands: its files, the copy's records, and every
sound of both. Messages that came since that night are found by their sidecars at the next start.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from appliance.daemon.backup_places import STATE, Piece, contents
from appliance.daemon.night import NIGHTLY
from appliance.daemon.putting_back import staged, write_plan
from appliance.daemon.restore import check_records, clear, to_disk
from appliance.daemon.stores import database_path
from appliance.policy.text import Refused
from appliance.voicemail.storage import Folders

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUNDS: Final = "voicemail/new"


def copy_of(state: Path, day: str) -> Path:
    """Return the whole copy of the night of `day` (ISO date); raises Refused in words."""
    days = sorted(path.name for path in (state / NIGHTLY).glob("????-??-??"))
    if day not in days:
        there = ", ".join(days)
        raise Refused(
            f"nessuna copia della notte del {day}: "
            + (f"ci sono quelle di {there}" if days else "non ce n'è ancora nessuna"),
            f"no copy of the night of {day}: "
            + (f"there are those of {there}" if days else "there is none yet"),
        )
    copy = state / NIGHTLY / day
    check_records(copy / database_path(state).name)
    return copy


def stage(state: Path, copy: Path, stamp: str) -> Path:
    """Build the new state folder, durably, and write the plan; returns the plan's path.

    Raises OSError, before anything that stands has changed.
    """
    piece, to = Piece(STATE, state, is_folder=True), staged(state)
    clear(to)
    try:
        for path, inner in _all_of_it(piece, copy):
            _bring(path, to, inner)
        _give_to_the_owner(to, state)
        to_disk(to)
        return write_plan((piece,), stamp)
    except OSError:
        clear(to)
        raise


def _all_of_it(piece: Piece, copy: Path) -> Iterator[tuple[Path, PurePosixPath]]:
    """Yield each path with its place in the new folder, a folder before what is in it."""
    state = piece.path
    for name, path in contents(piece):
        yield path, PurePosixPath(name).relative_to(STATE)
    copies, sounds = state / NIGHTLY, Folders(state / "voicemail").new
    for path in (copies.parent, copies, *sorted(copies.rglob("*")), sounds.parent, sounds):
        yield path, PurePosixPath(path.relative_to(state))
    yield copy / database_path(state).name, PurePosixPath(database_path(state).name)
    for path in sorted((copy / sounds.name).iterdir()):
        yield path, PurePosixPath(SOUNDS, path.name)


def _bring(path: Path, to: Path, inner: PurePosixPath) -> None:
    """Make a folder, copy a file; what is never written again, sounds and copies, is linked."""
    if path.is_dir():
        (to / inner).mkdir(mode=0o700, exist_ok=True)
    elif not any(inner.is_relative_to(final) for final in (SOUNDS, NIGHTLY)):
        shutil.copy2(path, to / inner, follow_symlinks=False)
    elif not (to / inner).exists():
        os.link(path, to / inner)


def _give_to_the_owner(folder: Path, state: Path) -> None:
    """Let the service's account have it, who owns the folder that stands."""
    owner = state.stat()
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
