"""Nightly work: check the database, copy it twice, watch the memory card, trim the heap."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.calls.status import Status
from appliance.config.values import BACKUP_PASSPHRASE, secret_file
from appliance.errors import CentralinoError
from appliance.files import (
    acting_for,
    atomic_write,
    fsync_directory,
    load_text,
    make_private,
    make_shared,
)
from appliance.policy.hours import moment_phrase_words
from appliance.policy.text import Refused, error_text_words, words_of
from appliance.service.backup import (
    BackupStick,
    ask_for_stick,
    load_stick,
    trouble_of_stick,
    write_backup,
)
from appliance.service.helper_requests import HelperRequest
from appliance.service.housekeeping import NIGHT
from appliance.store.age import checked_passphrase
from appliance.store.backup import copy_database, damage_of
from appliance.store.database import Trouble, database_path
from appliance.text import Words, _, in_context, joined, stored
from appliance.voicemail.storage import MailboxFolders, spare_bytes

if TYPE_CHECKING:
    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.jobs import JobResult, Jobs
    from appliance.store.writer import DatabaseWriter

log = logging.getLogger(__name__)
NIGHTLY: Final = "backups/nightly"
"""Below the state folder: one folder a night, and the last night's result."""
SAID: Final = "said.json"


@dataclass(frozen=True, slots=True)
class Night:
    """Result of a night's work: success, whether the database is damaged, and the words."""

    at: datetime
    well: bool
    damaged: bool
    words: Words


def load_night(state: Path) -> Night | None:
    """Read the last night's result; None if absent or malformed."""
    try:
        said = json.loads(load_text(state / NIGHTLY / SAID))
        words = stored(said)
        at = datetime.fromisoformat(said["at"])
        return Night(at, bool(said["well"]), bool(said["damaged"]), words)
    except (ValueError, KeyError, TypeError):
        return None


def keep_night(state: Path, night: Night) -> None:
    """Write the night's result for the next run; raises OSError."""
    said = {
        "at": night.at.isoformat(),
        "well": night.well,
        "damaged": night.damaged,
        **night.words.by_language(),
    }
    atomic_write(state / NIGHTLY / SAID, json.dumps(said))


# One copy lies on the card itself, plain, its sounds as hard links: it protects against mistakes of
# people and programmes. The other is a whole sealed backup on a second medium, where one is
# configured: it protects against the card. A damaged database is copied over nothing, and no older
# copy is then deleted.

# Copies on the card: a mistake is found within days, and erased data must disappear from them too.
ON_CARD: Final = 3
DRAFT: Final = ".part"
SEALED: Final = "centralino-*.backup"


def do_night_work(settings: Settings, config: Path, at: datetime) -> Night:
    """Do a night's work, write its result and return it; raises OSError."""
    state = Path(settings.folders.state)
    # Run as root, the work would follow links that the service's account might have planted in its
    # own folder: it is done with that account's rights.
    with acting_for(state):
        make_shared(state / Path(NIGHTLY).parent)
        make_private(state / NIGHTLY)
        damage = _wrong(lambda: check_records(state))
        told = [damage or WHOLE]
        failed = [damage]
        if damage is None:
            failed.append(_wrong(lambda: copy_on_card(state, at.date())))
            told.append(failed[-1] or CARD_COPY)
    if damage is None and settings.backup.folder:
        failed.append(_wrong(lambda: copy_away(settings, config, at)))
        told.append(failed[-1] or MEDIUM_COPY.filled(folder=settings.backup.folder))
    night = Night(at, not any(failed), damage is not None, joined("; ", told))
    keep_night(state, night)
    _give_to_the_owner(state)
    return night


def check_records(state: Path) -> None:
    """Check the whole database by SQLite; raises Refused, StoreError."""
    found = damage_of(database_path(state))
    if found:
        raise Refused(DAMAGED.filled(what=error_text_words(found)))


def copy_on_card(state: Path, day: date) -> None:
    """Copy the database as of one moment and link the sounds.

    Replaces an earlier copy of the same day, deletes copies beyond ON_CARD. Raises Refused,
    CentralinoError, OSError.
    """
    nightly, records = state / NIGHTLY, database_path(state)
    # Drafts are left by a night that was cut short.
    for left in nightly.glob(f"*{DRAFT}"):
        shutil.rmtree(left)
    # Messages come first: without room for them as well there is no copy tonight.
    if spare_bytes(state) < records.stat().st_size:
        raise Refused(NO_ROOM)
    draft = nightly / f"{day.isoformat()}{DRAFT}"
    for folder in (draft, draft / "new"):
        folder.mkdir(mode=0o700)
    copy_database(records, draft / records.name)
    _link(MailboxFolders(state / "voicemail").new, draft / "new")
    final = nightly / day.isoformat()
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    fsync_directory(nightly)
    for old in sorted(path for path in nightly.iterdir() if path.is_dir())[:-ON_CARD]:
        shutil.rmtree(old)


def copy_away(settings: Settings, config: Path, at: datetime) -> None:
    """Write a sealed backup to the second medium and delete the oldest there.

    Raises Refused, OSError.
    """
    medium = Path(settings.backup.folder)
    # A stick that is not plugged in is an alarm: nothing goes into its empty folder on the card.
    if not medium.is_dir() or _is_on_card(medium, Path(settings.folders.state)):
        raise Refused(NO_MEDIUM.filled(medium=medium))
    file = secret_file(settings.backup.passphrase_file, BACKUP_PASSPHRASE)
    phrase = Path(file).read_text(encoding="utf-8").splitlines()
    passphrase = checked_passphrase(phrase[0] if phrase else "")
    to = medium / f"centralino-{at:%Y%m%d-%H%M%S}.backup"
    write_backup(settings, config, to, passphrase, at)
    for old in sorted(medium.glob(SEALED))[: -max(1, settings.backup.keep)]:
        old.unlink()


def _is_on_card(medium: Path, state: Path) -> bool:
    """Return whether no stick is mounted: the folder is then one of the card's own."""
    return medium.stat().st_dev == state.stat().st_dev


def _link(sounds: Path, to: Path) -> None:
    """Link every file of whole messages into `to`, durably."""
    for path in sorted(sounds.glob("*")):
        # A message may be erased meanwhile.
        with contextlib.suppress(FileNotFoundError):
            os.link(path, to / path.name)
    fsync_directory(to)


def _wrong(work: Callable[[], None]) -> Words | None:
    """Do one part of the work; return its error in words, so that the other parts are done."""
    try:
        work()
    except Refused as refused:
        return refused.words
    except (CentralinoError, OSError) as error:
        why = words_of(error)
        return _("did not succeed: {why}", why=why)
    return None


def _give_to_the_owner(state: Path) -> None:
    """Give files that root has made to the service, which must replace them the next night."""
    owner = state.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    # By descriptors: the service may put a link in a folder's place while root walks.
    for _unused2, _unused, files, folder in os.fwalk(
        state / Path(NIGHTLY).parent, follow_symlinks=False
    ):
        os.fchown(folder, owner.st_uid, owner.st_gid)
        for name in files:
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)


# When the work is done. Call control waits for nothing: the database thread takes the write-ahead
# log in, a child checks and copies the database.

# The quiet hours begin after the deletion by age and end before anybody works.
UNTIL: Final = time(6, 0)
# After 36 hours without it the work is done at the next moment without a call, at any hour: an
# appliance that is off by night, or whose clock cannot be trusted, needs it as well.
LONGEST_S: Final = 36 * 3600.0
# An appliance that is being set up by night is left alone for ten minutes: it has no copy to lose.
SETTLED_S: Final = 600.0
AGAIN_S: Final = 600.0
CARD_S: Final = 3600.0
STICK_S: Final = 60.0
COMMAND: Final = ("backup", "--nightly")
# Practically no limit: the child checks the room itself, and a stick may hold more than the card.
MOST_BYTES: Final = 1 << 40
# Minutes after the deletion has begun, so that deleted data is in no copy.
MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class NightMoment:
    """The present moment for `is_due`: `day` is the last one with a begin, `since_s` (s) ago."""

    local: datetime
    trusted: bool
    day: date | None
    since_s: float


def is_due(moment: NightMoment) -> bool:
    """Return whether the night's work is due, calls aside."""
    # By elapsed time, which needs no trusted clock.
    if moment.since_s >= LONGEST_S:
        return True
    begins = NIGHT.replace(minute=MINUTES)
    is_quiet = begins <= moment.local.time() < UNTIL
    return moment.trusted and is_quiet and moment.day != moment.local.date()


def is_quiet(status: Status) -> bool:
    """Return whether no call is up, in or out."""
    return not (status.calls or status.outgoing)


class Nightly:
    """Scheduler of the night's work and watch of the memory card; `look` never waits."""

    def __init__(
        self,
        settings: Settings,
        records: DatabaseWriter,
        jobs: Jobs,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._state = Path(settings.folders.state)
        self._zone = ZoneInfo(settings.site.zone)
        self._records, self._jobs, self._on_trouble = records, jobs, on_trouble
        self._day: date | None = None
        self._since: float | None = None
        self._not_before = 0.0
        self._card_at = 0.0
        self._stick_at = 0.0
        self._run = Path(settings.folders.run)
        self._stick_trouble: Trouble | None = None
        self.stick: BackupStick | None = None
        """The backup stick that was set up, as of the last check."""
        self.last: Night | None = None
        """Result of the last night, also of one before this start."""
        self.card: MemoryCard | None = None
        """State of the memory card at the last check."""

    def start(self) -> None:
        """Read the last night's result."""
        self._hear(load_night(self._state))
        # A restart must not do tonight's work once more.
        if self.last is not None:
            self._day = self.last.at.astimezone(self._zone).date()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> None:
        """Check stick and card from time to time; begin the work when due and no call is up."""
        if now.monotonic >= self._stick_at:
            self._stick_at = now.monotonic + STICK_S
            self._look_at_stick(now)
        if now.monotonic >= self._card_at:
            self._card_at = now.monotonic + CARD_S
            self._records.do(lambda _: look_at_card(self._state), self._seen)
        if self._since is None:
            self._since = now.monotonic
        local, trusted = now.wall.astimezone(self._zone), now.clock_state.is_trusted
        since_s = now.monotonic - self._since
        due = is_due(NightMoment(local, trusted, self._day, since_s)) and self._is_settled(since_s)
        if due and now.monotonic >= self._not_before and is_idle():
            self._begin(local.date(), now.monotonic)

    def _is_settled(self, since_s: float) -> bool:
        return self.last is not None or since_s >= SETTLED_S

    def _begin(self, day: date, monotonic: float) -> None:
        self._records.do(take_log_in)
        try:
            self._jobs.begin(COMMAND, "", MOST_BYTES, self._ended)
        except (Refused, OSError) as error:
            log.info("the night's work waits: %s", error)
            self._not_before = monotonic + AGAIN_S
            return
        self._day, self._since = day, monotonic
        # A day of calls has left free pages for reuse (reliability.md, Memory); nobody waits now.
        trim_heap()

    def _ended(self, ended: JobResult) -> None:
        log.info("the night's work: %s", ended.said)
        night = load_night(self._state)
        self._hear(night)
        # A stick gets its backup after the night's work, never one of a damaged database.
        if self.stick is not None and night is not None and not night.damaged:
            self._ask_for_stick()
        # A child that was killed has written no result: the file still has the night before's.
        if not ended.is_well and (night is None or night.well):
            self._on_trouble("night", NOT_COPIED)

    def _ask_for_stick(self) -> None:
        """Request a backup onto the stick from root's helper."""
        # Call control may not mount.
        try:
            ask_for_stick(self._run, HelperRequest())
        except OSError as error:
            log.warning("a backup on the stick could not be asked for: %s", error)

    def _look_at_stick(self, now: Now) -> None:
        """Read the stick's state; set the trouble if its last backup is too old."""
        self.stick = load_stick(self._state)
        # By an untrusted clock no age can be told.
        if now.clock_state.is_trusted or self.stick is None:
            trouble = trouble_of_stick(self.stick, now.wall, self._zone)
            if trouble != self._stick_trouble:
                self._stick_trouble = trouble
                self._on_trouble("backup_stick", trouble)

    def _hear(self, night: Night | None) -> None:
        self.last = night
        if night is None or night.well:
            self._on_trouble("night", None)
        else:
            self._on_trouble("night", RECORDS_DAMAGED if night.damaged else NOT_COPIED)

    def _seen(self, seen: MemoryCard | CentralinoError) -> None:
        if isinstance(seen, CentralinoError):
            # The writers of the disk report what is wrong with it.
            return
        self.card = seen
        self._on_trouble("card", CARD_FAILING if seen.errors else None)


def take_log_in(connection: sqlite3.Connection) -> None:
    """Checkpoint the write-ahead log and truncate it; raises sqlite3.Error."""
    # Truncated, so that no erased data stays in it. By day SQLite checkpoints as rarely as possible
    # (sqlite.org/wal.html).
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


WHOLE: Final = _("records whole")
CARD_COPY: Final = _("copy on the card made")
MEDIUM_COPY: Final = _("sealed copy in {folder} made")
DAMAGED: Final = _("records damaged ({what}): the copies of before are kept")
NO_ROOM: Final = _("no copy on the card made: too little space, messages come first")
NO_MEDIUM: Final = _("no sealed copy made: there is no medium at {medium}; plug the stick in")
LAST_NIGHT: Final = _("Nightly work {of_moment}: {said}")
ROOM: Final = _("Memory card: {free} MB free of {total}")
LIFE: Final = _("written so far {written:.1f} GB; file system errors: {errors}")
NO_NIGHT_YET: Final = _("Nightly work: not done yet")
RECORDS_DAMAGED: Final = Trouble(
    "night.damaged",
    _(
        "The nightly check has found the records damaged: make a backup, replace "
        "the memory card and put the last whole copy back (technician's guide)."
    ),
)
NOT_COPIED: Final = Trouble(
    "night.not_copied",
    _(
        "The nightly copy did not succeed: see why on the page Installation, and "
        "check space and medium."
    ),
)
CARD_FAILING: Final = Trouble(
    "card.errors",
    _("The memory card has had file system errors: make a backup and replace it."),
)


def care_said(night: Night | None, card: MemoryCard | None, zone: ZoneInfo) -> tuple[Words, ...]:
    """Return sentences on the last night's work and the memory card."""
    done = NO_NIGHT_YET if night is None else _night_said(night, zone)
    return (done, *([] if card is None else [_card_said(card)]))


def _night_said(night: Night, zone: ZoneInfo) -> Words:
    of_moment = moment_phrase_words(in_context("moment", "of"), night.at.astimezone(zone))
    return LAST_NIGHT.filled(of_moment=of_moment, said=night.words)


def _card_said(card: MemoryCard) -> Words:
    room = ROOM.filled(free=card.free_mb, total=card.total_mb)
    if card.written_mb is None or card.errors is None:
        return room
    life = LIFE.filled(written=card.written_mb / 1024, errors=card.errors)
    return joined("; ", (room, life))


SYS: Final = Path("/sys")


@dataclass(frozen=True, slots=True)
class MemoryCard:
    """Figures of the memory card."""

    device: str
    # These two are ext4's own: None on another file system.
    written_mb: int | None
    errors: int | None
    free_mb: int
    total_mb: int


def look_at_card(folder: Path, sys: Path = SYS) -> MemoryCard:
    """Read the figures of the card that holds a folder; raises OSError without that folder."""
    numbers, state = folder.stat().st_dev, os.statvfs(folder)
    device = _device_name(sys, os.major(numbers), os.minor(numbers))
    told = sys / "fs" / "ext4" / device
    written = _figure(told / "lifetime_write_kbytes") if device else None
    errors = _figure(told / "errors_count") if device else None
    return MemoryCard(
        device,
        None if written is None else written >> 10,
        errors,
        state.f_bavail * state.f_frsize >> 20,
        state.f_blocks * state.f_frsize >> 20,
    )


def _device_name(sys: Path, major: int, minor: int) -> str:
    """Return the kernel's name of a block device, "" for none."""
    try:
        return (sys / "dev" / "block" / f"{major}:{minor}").resolve(strict=True).name
    except OSError:
        return ""


def _figure(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


# malloc_trim of glibc; another C library may have none.
_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)


def trim_heap() -> None:
    """Return free heap pages to the operating system.

    Takes half a millisecond after a start, more after a day: for moments in which nobody waits.
    """
    # A full collection also empties the lists of freed tuples that the interpreter keeps for reuse.
    gc.collect()
    # By itself malloc returns only the end of its heap (malloc_trim(3)); a start leaves 10 MB of
    # holes before it.
    if _TRIM is not None:
        _TRIM(0)
