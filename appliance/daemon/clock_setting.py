"""How the desk has the clock set: one small file in /run, taken by a helper that may.

The desk itself may not set it (ProtectClock). What lies there is somebody else's for the helper: a
plain file, of one line, with a time that can be, asked for within the last minute.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import Final

from appliance.files import atomic_write
from appliance.policy.clock import BUILT, LAST
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused

NAME: Final = "set"
OLD_S: Final = 60.0
"""A request that lay there for longer is not carried out: somebody has looked away since."""
_SIZE_LIMIT: Final = 64
_LINE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) (\d{1,12}(?:\.\d{1,6})?)\n?")


def folder_of(run: Path) -> Path:
    """Say where the desk puts its request, below its run folder."""
    return run / "clock"


def ask(folder: Path, wall: float, monotonic: float) -> None:
    """Ask for a time (s since 1970) that is right at a running time; raises TechnicianError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / NAME, f"{wall:.3f} {monotonic:.3f}\n", is_durable=False)
    except OSError as error:
        raise Refused(
            f"l'orologio non si può regolare: {why_not(error).it}",
            f"the clock cannot be set: {error}",
        ) from error


def is_waiting(folder: Path) -> bool:
    """Tell whether nobody has taken the last request."""
    return (folder / NAME).exists()


def take(folder: Path, monotonic: float) -> float:
    """Take the request away; returns the time (s since 1970) that it is now.

    Raises TechnicianError for none, for one that is old, and for a time that cannot be.
    """
    match = _LINE.fullmatch(_contents(folder))
    if match is None:
        raise Refused(
            "nessuno ha richiesto un'ora: usare la pagina Ora, o timedatectl",
            "nobody has asked for a time: use the page Time, or timedatectl",
        )
    wall, asked_at = float(match[1]), float(match[2])
    if not 0 <= monotonic - asked_at <= OLD_S:
        raise Refused(
            "l'ora è stata richiesta da troppo tempo: richiederla di nuovo",
            "the time was asked for too long ago: ask again",
        )
    now = wall + monotonic - asked_at
    if not BUILT <= now <= LAST:
        raise Refused(
            "quell'anno non è possibile: nulla è stato regolato",
            "that year cannot be: nothing is set",
        )
    return now


def _contents(folder: Path) -> str:
    """Read and remove the request; nothing is followed, nothing but a plain file is opened."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inside = os.open(folder, flags | os.O_DIRECTORY)
    except OSError:
        return ""
    try:
        text = _read(inside, flags | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            os.unlink(NAME, dir_fd=inside)
    finally:
        os.close(inside)
    return text


def _read(inside: int, flags: int) -> str:
    try:
        descriptor = os.open(NAME, flags, dir_fd=inside)
    except OSError:
        return ""
    try:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _SIZE_LIMIT).decode("ascii", "replace") if plain else ""
    finally:
        os.close(descriptor)
