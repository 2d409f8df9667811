"""Announcements that are dictated at a phone: their sound, in memory until it is kept as a draft.

The carrier sends what is said as it is said; nothing of it touches the disk before the person has
kept it by a key. A draft (state/drafts/it/hold.wav) is heard by no caller: somebody puts it in
force on a page, as an upload is, or drops it. Lives in the deciding thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.api.speech import MOST_NOTICE_S
from appliance.calls import events, orders
from appliance.calls.status import DRAFT_KEPT, Went
from appliance.config.state_folder import path_of
from appliance.dsp import g711, wav
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.errors import CentralinoError
from appliance.files import SHARED, atomic_write, make_shared
from appliance.media.messages import RecordingStarted
from appliance.store import database
from appliance.store.database import Noted, transaction
from appliance.store.writer import Records

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

DICTATED = "announcement.dictate"
PREFIX = "take:"
"""How recordings of dictations begin (calls.dictation)."""
MOST_TAKES, MOST_ASKED = 4, 8
"""Recordings, and dictations that are told about, at once; one more ends the oldest."""
MOST_BYTES = (MOST_NOTICE_S + 1) * SAMPLE_RATE
BYTES_A_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A dictation that `by` asked for: of which announcement, and how far it is."""

    language: str
    key: str
    by: str
    went: Went = Went.RINGS


def forget_old(folder: Path, now: datetime) -> int:
    """Delete the drafts that have lain for longer than DRAFT_KEPT; returns how many.

    Blocking: for the records' thread. Raises OSError.
    """
    before = (now - DRAFT_KEPT).timestamp()
    old = [path for path in folder.glob("*/*.wav") if path.stat().st_mtime < before]
    for path in old:
        path.unlink()
    return len(old)


class Dictations:
    """Keeps what is being dictated; `post` takes TakeKept."""

    def __init__(
        self, folder: Path, records: Records, post: Callable[[events.Event], None]
    ) -> None:
        self.folder = folder
        self._records = records
        self._post = post
        self._takes: dict[str, bytearray] = {}
        self._asked: dict[str, Asked] = {}

    def asked(self, ask: str, asked: Asked) -> None:
        """Remember what a dictation is for."""
        if len(self._asked) >= MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        self._asked[ask] = asked

    def latest(self, by: str, language: str, key: str) -> Asked | None:
        """Return the dictation of an announcement that somebody asked for last, None for none."""
        wanted = (by, language, key)
        found = [one for one in self._asked.values() if (one.by, one.language, one.key) == wanted]
        return found[-1] if found else None

    def order(self, order: orders.KeepTake | orders.DropTake | orders.TakeWent) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.KeepTake():
                self._keep(order)
            case orders.DropTake(take):
                self._takes.pop(take, None)
            case orders.TakeWent(ask, went):
                self._tell(ask, Went(went))

    # --- sound ---------------------------------------------------------------------------------

    def begin(self, started: RecordingStarted) -> bool:
        """A recording begins; tells whether it is one of ours."""
        if not started.recording.startswith(PREFIX):
            return False
        if len(self._takes) >= MOST_TAKES:
            del self._takes[next(iter(self._takes))]
        self._takes[started.recording] = bytearray()
        return True

    def append(self, recording: str, data: bytes) -> bool:
        """Take sound, A-law; tells whether it is one of ours."""
        take = self._takes.get(recording)
        if take is not None:
            take += data[: max(0, MOST_BYTES - len(take))]
        return recording.startswith(PREFIX)

    def ended(self, event: events.RecordingEnded) -> None:
        """Drop the key or the silence at a recording's end, before it is heard again."""
        take = self._takes.get(event.recording)
        if take is not None and event.trim_ms > 0:
            del take[max(0, len(take) - event.trim_ms * BYTES_A_MS) :]

    def memory(self, order: orders.LoadMessage) -> int | None:
        """Return a memfd with what was dictated, 16-bit, for the carrier; the taker closes it."""
        take = self._takes.get(order.message)
        if take is None:
            return None
        fd = os.memfd_create("centralino-dictation", os.MFD_CLOEXEC)
        os.write(fd, g711.decode(bytes(take), Law.ALAW))
        return fd

    # --- drafts --------------------------------------------------------------------------------

    def _keep(self, order: orders.KeepTake) -> None:
        """Write the draft in the records' thread; TakeKept follows, and who asked is told."""
        take, asked = self._takes.pop(order.take, None), self._asked.get(order.ask)
        if not take or asked is None:
            self._kept(order, CentralinoError("nothing of it is here"))
            return
        noted = Noted(datetime.now(UTC), asked.by, DICTATED, f"{asked.language}/{asked.key}")
        path, contents = path_of(self.folder, asked.language, asked.key), bytes(take)

        def job(connection: sqlite3.Connection) -> None:
            make_shared(path.parent)
            atomic_write(path, wav.build(contents, Law.ALAW), mode=SHARED)
            with transaction(connection):
                database.note(connection, noted)

        self._records.do(job, lambda result: self._kept(order, result))

    def _kept(self, order: orders.KeepTake, result: CentralinoError | None) -> None:
        if isinstance(result, CentralinoError):
            log.error("what was dictated is not kept: %s", result)
        self._tell(order.ask, Went.NOT_KEPT if result else Went.KEPT)
        self._post(events.TakeKept(order.listener, str(result) if result else ""))

    def _tell(self, ask: str, went: Went) -> None:
        if (asked := self._asked.get(ask)) is not None:
            self._asked[ask] = replace(asked, went=went)
