"""How full the disk may get: limits, the ballast, and what is said about it.

A full ext4 takes neither files nor SQL, not even DELETE (reliability.md 2, R4): so space is kept
in a file that can be given back. Messages nobody has closed are never removed to make room.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.errors import StoreError
from appliance.store.database import Trouble
from appliance.voicemail import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.voicemail.files import Folders

MB: Final = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """The mailbox's limits: bytes of free space, ms of sound, seconds of patience.

    Below `high_water_bytes` the technician is told; below `low_water_bytes` no message is begun.
    On a small disk both are less: a third and a sixth of it (`marks`). `minimum_ms` is what an
    interrupted recording must hold to be kept, `backlog_ms` the sound kept in memory for one
    recording while the disk stalls.
    """

    ballast_bytes: int = 8 * MB
    low_water_bytes: int = 64 * MB
    high_water_bytes: int = 256 * MB
    minimum_ms: int = 2_000
    backlog_ms: int = 60_000
    sync_s: float = 2.0
    retry_s: float = 30.0


NO_ROOM: Final = Trouble(
    "voicemail.full",
    "La segreteria non ha più spazio: i messaggi non vengono registrati; chiudere i messaggi già "
    "trattati o sostituire la scheda di memoria.",
    "Voicemail is out of space: messages are not recorded; close the messages already dealt with "
    "or replace the memory card.",
)
LITTLE_ROOM: Final = Trouble(
    "voicemail.low",
    "Lo spazio per la segreteria sta finendo: liberare la scheda di memoria.",
    "Space for voicemail is running out: free some on the memory card.",
)
FAILING: Final = Trouble(
    "voicemail.failing",
    "Un messaggio non è stato registrato con certezza: controllare la scheda di memoria e l'elenco "
    "dei messaggi.",
    "A message was not surely stored: check the memory card and the list of messages.",
)
SET_ASIDE: Final = Trouble(
    "voicemail.set_aside",
    "Dei file della segreteria erano danneggiati: sono conservati in corrupt/.",
    "Some voicemail files were damaged: they are kept in corrupt/.",
)
ENDED: Final = Trouble(
    "voicemail.ended",
    "La segreteria si è fermata per un errore del programma: il servizio va riavviato "
    "a linee libere.",
    "Voicemail stopped because of a fault in the programme: the service must restart when the "
    "lines are idle.",
    restart=True,
)


def no_space(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is a full disk (SQLite's says so in words only)."""
    while error is not None:
        if getattr(error, "errno", None) in files.NO_SPACE or "disk is full" in str(error):
            return True
        error = error.__cause__
    return False


def marks(limits: Limits, total_bytes: int) -> tuple[int, int]:
    """Return low and high water of a disk in bytes: the limits, or less where it is small."""
    low = min(limits.low_water_bytes, total_bytes // 6)
    return low, min(limits.high_water_bytes, max(low, total_bytes // 3))


def spare_bytes(folder: Path) -> int:
    """Return what anything but messages may take of a disk, which is less than nothing where they
    want for room themselves: what is free above the high water; raises OSError.
    """
    usage = shutil.disk_usage(folder)
    return usage.free - marks(Limits(), usage.total)[1]


class Space:
    """The disk's room for messages; used by the writer thread alone."""

    def __init__(self, folders: Folders, limits: Limits) -> None:
        self._folders = folders
        self._limits = limits

    def check(self) -> Trouble | None:
        """Tell how the space stands; puts the ballast back once there is plenty; raises OSError."""
        free, (low, high) = files.free_bytes(self._folders.root), self._marks()
        if free < low:
            return NO_ROOM
        if free < high:
            return LITTLE_ROOM
        files.set_ballast(self._folders.ballast, self._limits.ballast_bytes)
        return None

    def require(self) -> None:
        """Raise StoreError when no new message may be begun; the ballast is not for that."""
        low, _ = self._marks()
        if files.free_bytes(self._folders.root) < low:
            raise StoreError(
                "too little space is left to record messages: free some on the memory card"
            )

    def _marks(self) -> tuple[int, int]:
        return marks(self._limits, files.total_bytes(self._folders.root))

    def spending(self, action: Callable[[], T]) -> T:
        """Do what takes space, once more after giving the ballast back; raises what it raises."""
        try:
            return action()
        except OSError as error:  # StoreError is one
            if not (no_space(error) and files.release_ballast(self._folders.ballast)):
                raise
        return action()
