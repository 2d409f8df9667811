"""Uploads of sealed backups to the network folder: written, read back, tried again until done."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    check_may,
    command,
    declined,
    deferred,
    refusing,
)
from appliance.api.replies import Said
from appliance.api.technician_commands import LookAtTarget, SetUpTarget, ShowTarget, WriteToTarget
from appliance.api.technician_replies import JobEnded, TargetReply, TargetReport
from appliance.config.state_folder import SECRETS
from appliance.config.values import BackupAddress, backup_address
from appliance.errors import CentralinoError
from appliance.files import acting_for, atomic_write, load_text, make_private, make_shared
from appliance.policy.recipients import recipient_key
from appliance.policy.text import Refused, words_of
from appliance.policy.users import Permission
from appliance.service import backup, backup_target, nightly
from appliance.service.backup import MADE
from appliance.service.backup_target import NO_ANSWER, PASSWORD, PHRASE, BackupTarget
from appliance.store import database, outbox
from appliance.store.age import checked_passphrase, normalised, sealed_to
from appliance.store.database import Noted, database_path, transaction
from appliance.text import NOTHING, Words, _
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings
    from appliance.policy.clock import Now
    from appliance.service.jobs import JobResult, Jobs
    from appliance.service.nightly import Night
    from appliance.service.stores import Stores
    from appliance.store.database import Trouble
    from appliance.store.writer import DatabaseWriter


# A backup is made on the card first, sent under a draft's name, read back whole, compared by its
# digest, and renamed: a file with a backup's name is a whole one. All of it is done with the
# service's own rights, by a child of call control or a technician's command.

# Below the state folder: folder of a backup until it is sent.
WORK: Final = "backups/target"
DRAFT: Final = ".part"
SEALED: Final = ".backup"
# The backup's passphrase, sealed to `backup.recipient`: beside each backup, and as long.
OPENER: Final = ".passphrase.age"
_BACKUP: Final = re.compile(r"centralino-\d{8}-\d{6}-[0-9a-f]{4}\.backup")
WRITTEN: Final = _("Backup {name} written to {host} and read back whole.")
PREPARED: Final = _("Network folder {host} set up. There is nothing to back up here yet.")
FORGOTTEN: Final = _(
    "From now on no backup goes to the network folder. Those on it stay "
    "sealed. Take backup.target out of the configuration too."
)
NOT_GIVEN_BACK: Final = _("{host} does not give back what was written there: look at its disks")
NO_ROOM: Final = _("there is no room on the memory card to make the backup: messages come first")
BUSY: Final = _("a backup to the network folder is being made already: wait for its end")


class BackupFolder(Protocol):
    """A folder on another machine; every method raises Refused if it fails."""

    def listed(self) -> dict[str, int]:
        """Return the files and their sizes (bytes)."""

    def put(self, file: Path, name: str) -> None:
        """Upload a file."""

    def get(self, name: str, to: Path, size: int, /) -> None:
        """Download a file of about that size (bytes)."""

    def rename(self, old: str, new: str) -> None:
        """Rename a file."""

    def remove(self, name: str) -> None:
        """Delete a file."""


@dataclass(frozen=True, slots=True)
class AcceptedTarget:
    """Secrets of a set-up: passphrase, the accepted server key (SFTP) or certificate (HTTPS), the
    password (SMB, HTTPS).
    """

    passphrase: str
    host_key: str = ""
    password: str = ""
    # `backup.ca_file`: authorities that vouch for an HTTPS server, "" for the system's.
    ca_file: str = ""


def place_of(
    address: BackupAddress, state: Path, accepted: AcceptedTarget, work: Path
) -> BackupFolder:
    """Make the client for an address."""
    if address.kind == "sftp":
        return backup_target.Sftp(address, accepted.host_key, state, work)
    # Imported here: either library is loaded only where it is used.
    if address.kind == "https":
        from appliance.service.backup_https import WebDav

        return WebDav(address, accepted.password, accepted.host_key, accepted.ca_file)
    from appliance.service.backup_smb import Smb

    return Smb(address, accepted.password)


Places = Callable[[BackupAddress, Path, AcceptedTarget, Path], BackupFolder]


@dataclass(frozen=True, slots=True)
class BackupUpload:
    """Operations on the appliance's backup target."""

    settings: Settings
    config: Path
    now: Callable[[], datetime]
    places: Places = place_of

    def set_up(self, accepted: AcceptedTarget) -> Words:
        """Set the configured folder up by writing a first whole backup; raises Refused, OSError."""
        address = backup_address(self.settings.backup.target)
        checked_passphrase(accepted.passphrase)
        accepted = replace(accepted, ca_file=self.settings.backup.ca_file)
        before = backup_target.load(self._state)
        mark = before.mark if before else secrets.token_hex(2)
        target = BackupTarget(
            self.settings.backup.target, accepted.host_key, mark, getpass.getuser(), self.now()
        )
        with self._alone() as work:
            place = self.places(address, self._state, accepted, work)
            said = PREPARED.filled(host=address.host)
            place.listed()
            with self._tried(target, accepted):
                if database_path(self._state).exists():
                    target, said = self._written(target, place, accepted, work)
                backup_target.keep(self._state, target)
        return said

    def write(self) -> Words:
        """Write a backup to the target and store the result; raises Refused, OSError."""
        target = backup_target.in_force(self.settings)
        try:
            with self._alone() as work:
                accepted = self._accepted(target)
                place = self.places(backup_address(target.address), self._state, accepted, work)
                target, said = self._written(target, place, accepted, work)
                backup_target.keep(self._state, target)
        except _Busy:
            # The other backup stores its own result.
            raise
        except (CentralinoError, OSError) as error:
            failed = replace(target, tried=self.now(), well=False, words=words_of(error))
            with acting_for(self._state):
                backup_target.keep(self._state, failed)
            raise
        return said

    def names(self) -> list[str]:
        """Return the backups there, other appliances' too, the oldest first; raises Refused."""
        with self._place() as place:
            return sorted(name for name in place.listed() if _BACKUP.fullmatch(name))

    def fetch(self, name: str, to: Path) -> Words:
        """Download a backup to a new file; raises Refused, OSError."""
        if to.exists():
            raise Refused(_("{to} is there already: name another", to=to))
        to = to.absolute()
        folder = tempfile.TemporaryDirectory(prefix=".centralino-", dir=to.parent)
        with self._place() as place, folder as beside:
            size = place.listed().get(name)
            if size is None:
                raise Refused(_("no {name} there", name=name))
            part = Path(beside) / "fetched"
            place.get(name, part, size)
            part.rename(to)
        return _("{name} is in {to}: put it back by centralino box restore {to}", name=name, to=to)

    def forget(self) -> Words:
        """Stop writing to the target; raises OSError."""
        with acting_for(self._state):
            backup_target.forget(self._state)
            (self._state / backup_target.OFFERED).unlink(missing_ok=True)
        return FORGOTTEN

    @property
    def _state(self) -> Path:
        return Path(self.settings.folders.state)

    @contextlib.contextmanager
    def _place(self) -> Iterator[BackupFolder]:
        """Yield the target for reading."""
        # Without the service's rights: root may want the file anywhere. Of ours only the server's
        # key is written, to a folder made for this.
        target = backup_target.in_force(self.settings)
        with tempfile.TemporaryDirectory(prefix="centralino-target-") as work:
            accepted = self._accepted(target)
            yield self.places(backup_address(target.address), self._state, accepted, Path(work))

    def _accepted(self, target: BackupTarget) -> AcceptedTarget:
        folder = self._state / SECRETS
        phrase, password = (load_text(folder / name) for name in (PHRASE, PASSWORD))
        ca_file = self.settings.backup.ca_file
        return AcceptedTarget(checked_passphrase(phrase), target.host_key, password, ca_file)

    @contextlib.contextmanager
    def _tried(self, target: BackupTarget, accepted: AcceptedTarget) -> Iterator[None]:
        """Store the accepted secrets for the first backup; after an error restore the old ones."""
        # Stored before the backup: it contains them, so a restored card goes on by itself.
        folder = self._state / SECRETS
        make_private(folder)
        secret = {folder / PHRASE: accepted.passphrase, folder / PASSWORD: accepted.password}
        before = {path: path.read_bytes() for path in secret if path.exists()}
        stood = backup_target.load(self._state)
        for path, text in secret.items():
            atomic_write(path, text)
        backup_target.keep(self._state, target)
        try:
            yield
        except BaseException:
            backup_target.forget(self._state)
            for path, data in before.items():
                atomic_write(path, data)
            if stood is not None:
                backup_target.keep(self._state, stood)
            raise

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Path]:
        """Yield the working folder, locked and empty, with the service's rights; raises Refused."""
        with acting_for(self._state):
            make_shared((self._state / MADE).parent)
            work = self._state / WORK
            make_private(work)
            descriptor = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                _lock(descriptor)
                # A backup that was killed has left its files.
                _empty(work)
                yield work
                _empty(work)
            finally:
                os.close(descriptor)

    def _written(
        self, target: BackupTarget, place: BackupFolder, accepted: AcceptedTarget, work: Path
    ) -> tuple[BackupTarget, Words]:
        """Write a backup, read it back, rename it, delete the oldest; raises Refused, OSError."""
        at = self.now()
        host = backup_address(target.address).host
        # By our mark: another appliance may write to the same folder.
        own = re.compile(
            rf"centralino-\d{{8}}-\d{{6}}-{target.mark}({SEALED}|{OPENER}|({OPENER})?{DRAFT})"
        )
        there = place.listed()
        for left in there:
            if own.fullmatch(left) and left.endswith(DRAFT):
                place.remove(left)
        name = _free_name(at, target.mark, there)
        file = work / name
        # Twice: the database is copied first, then the archive is written. Messages come first.
        if spare_bytes(self._state) < 2 * backup.size_of(self._state):
            raise Refused(NO_ROOM)
        backup.write_backup(self.settings, self.config, file, accepted.passphrase, at)
        size, digest = file.stat().st_size, _digest(file)
        self._put_opener(place, accepted, work, name)
        with _taken_away(place, f"{name}{DRAFT}"):
            place.put(file, f"{name}{DRAFT}")
            file.unlink()
            place.get(f"{name}{DRAFT}", file, size)
            if (file.stat().st_size, _digest(file)) != (size, digest):
                raise Refused(NOT_GIVEN_BACK.filled(host=host))
            place.rename(f"{name}{DRAFT}", f"{name}{SEALED}")
        found = place.listed()
        if found.get(f"{name}{SEALED}") != size:
            raise Refused(NOT_GIVEN_BACK.filled(host=host))
        kept = sorted(one for one in found if own.fullmatch(one) and one.endswith(SEALED))
        for old in kept[: -max(1, self.settings.backup.keep)]:
            place.remove(old)
            if (opener := f"{old.removesuffix(SEALED)}{OPENER}") in found:
                place.remove(opener)
        said = WRITTEN.filled(name=f"{name}{SEALED}", host=host)
        return replace(target, done=at, tried=at, well=True, words=said), said

    def _put_opener(
        self, place: BackupFolder, accepted: AcceptedTarget, work: Path, name: str
    ) -> None:
        """Write the passphrase, sealed to the head office's key, before its backup counts."""
        if not self.settings.backup.recipient:
            return
        sealed = sealed_to(
            recipient_key(self.settings.backup.recipient), normalised(accepted.passphrase)
        )
        file = work / f"{name}{OPENER}"
        atomic_write(file, sealed, is_durable=False)
        with _taken_away(place, f"{file.name}{DRAFT}"):
            place.put(file, f"{file.name}{DRAFT}")
            place.rename(f"{file.name}{DRAFT}", file.name)
        file.unlink()


def _free_name(at: datetime, mark: str, there: Collection[str]) -> str:
    """Name of a backup made at a moment, without its suffix."""
    # A second one within the same second would take the first one's name: an SMB server refuses
    # that, and SFTP's rename replaces the first one without a word.
    while f"{(name := f'centralino-{at:%Y%m%d-%H%M%S}-{mark}')}{SEALED}" in there:
        at += timedelta(seconds=1)
    return name


class _Busy(Refused):
    """Raised while another backup to the target is being made."""


@contextlib.contextmanager
def _taken_away(place: BackupFolder, name: str) -> Iterator[None]:
    """Delete the draft of a failed backup, as far as the server allows it."""
    try:
        yield
    except (CentralinoError, OSError):
        with contextlib.suppress(CentralinoError, OSError):
            place.remove(name)
        raise


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _Busy(BUSY) from error


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


# Scheduling, in call control. A child with a job runner of its own writes the backup: a server that
# hangs holds up no other job. A trouble is shown on page, LED and figures, and is mailed if
# `backup.notify` is set.

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
# Seconds between two tries: a failed backup is repeated each hour.
AGAIN_S: Final = 3600.0
# Seconds to the next try of a job that could not begin.
BUSY_S: Final = 600.0
# Time (s) of a child: the office's line to a server elsewhere may be slow.
LIMIT_S: Final = 6 * 3600.0
COMMAND: Final = ("backup-target", "now")
LOOK: Final = ("backup-target", "look")
SET_UP: Final = ("backup-target", "set-up", "--asked")
# Practically no limit: the child checks the room itself.
MOST_BYTES: Final = 1 << 40
ASKED: Final = "backup.target"
KEY_ASKED: Final = "backup.target_key"
SET_UP_ASKED: Final = "backup.target_set_up"
BEGUN: Final = _(
    "Begun: the backup is written to the network folder and read back once nobody is on the phone."
)
LOOKS: Final = _("Begun: the key that the server presents shows here in a moment.")
NO_KEY_YET: Final = _("the server's key has not been compared: ask the server for it first")
SETS_UP: Final = _("Begun: the first backup is written and read back once nobody is on the phone.")


@dataclass(frozen=True, slots=True)
class TargetJob:
    """A job: command, its input, whether it waits until no call is up."""

    words: tuple[str, ...] = COMMAND
    typed: str = ""
    waits: bool = True


class UploadSchedule:
    """Scheduler of backups to the target; the main loop calls `look`, which never waits."""

    def __init__(
        self,
        settings: Settings,
        records: DatabaseWriter,
        jobs: Jobs,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._settings, self._records, self._jobs = settings, records, jobs
        self._on_trouble = on_trouble
        self._state, self._zone = Path(settings.folders.state), ZoneInfo(settings.site.zone)
        self._look_at, self._not_before = 0.0, 0.0
        self._asked: TargetJob | None = None
        self._is_due = False
        self._trouble: Trouble | None = None
        self._mailed = ""
        self.target: BackupTarget | None = None
        """The target that was set up, as of the last check."""
        self.last: tuple[datetime, JobResult] | None = None
        """Result of the last key query or set-up since the start."""

    @property
    def is_waiting(self) -> bool:
        """True while a job runs or was requested."""
        return self._asked is not None or bool(self._jobs.running)

    def ask(self, wish: TargetJob = TargetJob()) -> None:
        """Request a job, by default a backup at the next moment without a call."""
        self._asked = wish

    def stop(self) -> None:
        """End the running job."""
        self._jobs.stop()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> None:
        """Check the state once in LOOK_S (s); begin a due or requested job when no call is up."""
        if not self._settings.backup.target:
            return
        self._jobs.look()
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + LOOK_S
            self._look(now)
        wish = self._asked
        if wish is None and self._is_due and now.monotonic >= self._not_before:
            wish = TargetJob()
        if wish is not None and not self._jobs.running and (not wish.waits or is_idle()):
            self._begin(now, wish)

    def _look(self, now: Now) -> None:
        self.target = backup_target.load(self._state)
        last = nightly.load_night(self._state)
        self._is_due = _is_due(self._settings, self.target, last)
        # By an untrusted clock no backup can be told to be late.
        if not (now.clock_state.is_trusted or self.target is None):
            return
        trouble = backup_target.trouble_of(self._settings, self.target, now.wall, self._zone)
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_trouble("backup_target", trouble)
        if trouble is not None and now.clock_state.is_trusted:
            self._mail(trouble, now.wall)

    def _mail(self, trouble: Trouble, now: datetime) -> None:
        """Queue the trouble's mail, once a week (its key, store/outbox.py)."""
        mail = backup_target.mail_of(self._settings, trouble, self.target, now)
        if mail is not None and mail.key != self._mailed:
            self._mailed = mail.key
            domain = self._records.letters.domain
            self._records.do(lambda connection: outbox.queue_mail(connection, mail, now, domain))

    def _begin(self, now: Now, wish: TargetJob) -> None:
        started = now.wall

        def ended(ended: JobResult) -> None:
            if wish.words == COMMAND:
                self._ended(ended, started)
            else:
                self.last = (started, ended)
            self._look_at = 0.0

        try:
            self._jobs.begin(wish.words, wish.typed, MOST_BYTES, ended)
        except (Refused, OSError) as error:
            log.info("the backup to the network folder waits: %s", error)
            self._not_before = now.monotonic + BUSY_S
        else:
            self._not_before = now.monotonic + AGAIN_S
        self._asked = None

    def _ended(self, ended: JobResult, started: datetime) -> None:
        """Store a failure that the child could not store itself: it was killed, or crashed."""
        log.info("the backup to the network folder: %s", ended.said)
        target = backup_target.load(self._state)
        is_silent = target is not None and (target.tried is None or target.tried < _whole(started))
        if not ended.is_well and is_silent and target is not None:
            words = ended.said if ended.said != NOTHING else NO_ANSWER
            try:
                backup_target.keep(
                    self._state, replace(target, tried=started, well=False, words=words)
                )
            except OSError as error:
                log.warning("what came of the backup could not be kept: %s", error)


def _is_due(settings: Settings, target: BackupTarget | None, last: Night | None) -> bool:
    """Return whether the last night's backup is missing on the target."""
    # A damaged database is copied over nothing.
    if target is None or last is None or last.damaged:
        return False
    if backup_target.wanted(settings, target) != NOTHING:
        return False
    return target.done is None or target.done < last.at


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class TargetCommands(CommandHandlers):
    """Control-socket handlers of the technician's page for the backup target."""

    stores: Stores
    settings: Settings
    schedule: UploadSchedule
    now: Callable[[], Now]

    @command(ShowTarget)
    def told(self, _: ShowTarget) -> DeferredReply:
        """Return the target, the age of its last backup, and our public key."""
        address = self.settings.backup.target
        state = Path(self.settings.folders.state)
        waiting, last = self.schedule.is_waiting, self.schedule.last

        def job(_: sqlite3.Connection) -> Reply:
            target = backup_target.load(state)
            wrong = backup_target.wanted(self.settings, target)
            key = backup_target.made_key(state) if address.startswith("sftp:") else ""
            return TargetReply(
                address=address,
                key=key,
                waiting=waiting,
                offered=backup_target.offered(state, address),
                last=_ended(*last) if last else None,
                wanted=wrong if wrong != NOTHING else None,
                target=_told(target) if target and address and wrong == NOTHING else None,
            )

        return self._later(job)

    @command(WriteToTarget)
    def write(self, wish: WriteToTarget) -> DeferredReply:
        """Request a backup now."""
        return self._begun(wish.by, ASKED, TargetJob(), BEGUN)

    @command(LookAtTarget)
    def look(self, wish: LookAtTarget) -> DeferredReply:
        """Request the server's key, which the page then shows."""
        return self._begun(wish.by, KEY_ASKED, TargetJob(LOOK, waits=False), LOOKS)

    @command(SetUpTarget)
    def set_up(self, wish: SetUpTarget) -> DeferredReply:
        """Request the set-up with the accepted key or the password; raises OfficeError, Refused."""
        checked_passphrase(wish.passphrase)
        if self.settings.backup.target.startswith("sftp:") and not wish.host_key:
            raise Refused(NO_KEY_YET)
        names = ("host_key", "passphrase", "password")
        given = json.dumps({name: getattr(wish, name) for name in names})
        return self._begun(wish.by, SET_UP_ASKED, TargetJob(SET_UP, given), SETS_UP)

    def _begun(self, by: str, code: str, job_asked: TargetJob, said: Words) -> DeferredReply:
        at = self.now().wall

        def job(connection: sqlite3.Connection) -> Reply:
            check_may(connection, by, Permission.TECHNICAL)
            if job_asked.words == COMMAND:
                backup_target.in_force(self.settings)
            elif not self.settings.backup.target:
                raise Refused(backup_target.NONE_CONFIGURED)
            with transaction(connection):
                database.note(connection, Noted(at, by, code))
            self.schedule.ask(job_asked)
            return Said(said)

        return self._later(job)

    def _later(self, job: Callable[[sqlite3.Connection], Reply]) -> DeferredReply:
        return deferred(self.stores.records, refusing(job), declined)


def _ended(at: datetime, ended: JobResult) -> JobEnded:
    return JobEnded(at, ended.is_well, ended.said)


def _told(target: BackupTarget) -> TargetReport:
    return TargetReport(
        since=target.since,
        fingerprint=backup_target.fingerprint(target.host_key) if target.host_key else "",
        done=target.done,
        tried=target.tried,
        well=target.well,
        said=target.words,
    )
