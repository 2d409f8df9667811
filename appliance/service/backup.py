"""Sealed backup: what belongs to it, the archive, and the USB stick that gets one each night."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sqlite3
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast
from zoneinfo import ZoneInfo

import appliance
from appliance.errors import StoreError
from appliance.files import (
    PRIVATE,
    READABLE,
    SHARED,
    acting_for,
    atomic_write,
    load_text,
    open_plain,
    replacing,
)
from appliance.policy.hours import day_phrase_words, moment_words
from appliance.policy.text import Refused, error_text_words, words_of
from appliance.service import card_values, helper_requests
from appliance.service.helper_requests import ANSWER, HelperRequest, HelperResult
from appliance.store.age import AgeWriter
from appliance.store.database import Trouble, database_path, open_reader
from appliance.text import NOTHING, Words, _, by_language, in_context, stored

if TYPE_CHECKING:
    from appliance.config.schema import Settings


STATE: Final = "state"
CONFIG: Final = "config"
PROMPTS: Final = "prompts"
# The console's own certificate authority, which browsers trust already.
CONSOLE_TLS: Final = "console-tls"
MANIFEST: Final = "manifest.json"
# Path, in the state folder, of a backup made in the browser.
MADE: Final = "backups/console.backup"
# Path, in the console's folder, of an uploaded backup.
UPLOADED: Final = "restore/uploaded.backup"
# Prefix of the folder, beside or in the state folder, where a backup is unpacked and checked.
UNPACKED: Final = ".centralino-restore-"
# A folder that is a mount point cannot be renamed: its new contents wait within it.
STAGED: Final = ".restore"
# Name of STAGED once all old contents were set aside.
PLACING: Final = ".restore-placing"
# Within a mount point: prefix of the old contents' folder, followed by the restore's time.
BEFORE: Final = ".before-"
# Prefixes of names that belong to a restore, not to the appliance; STAGED covers PLACING.
APART: Final = (UNPACKED, STAGED, BEFORE)
# Not backed up of the state folder: what recovery set aside, the shell's proof, sound still being
# recorded, files of updates, central settings that the server sends again, backups themselves.
LEFT_OUT: Final = frozenset(
    {
        "corrupt",
        "private",
        "voicemail/rec",
        "voicemail/ballast",
        "update",
        "central/fetched",
        str(Path(MADE).parent),
    }
)
# Prefix of the folder, in the state folder, with the database's copy while a backup is made.
OWN_COPY: Final = ".backup-"


@dataclass(frozen=True, slots=True)
class BackupPiece:
    """One piece of a backup: its name in it, and its folder or file on the appliance.

    `key` is the configuration's key that names it, "" for none.
    """

    name: str
    path: Path
    is_folder: bool
    key: str = ""


def backup_pieces(settings: Settings, config: Path) -> tuple[BackupPiece, ...]:
    """Return the pieces, the state folder first; pieces inside it are not listed again."""
    state = Path(settings.folders.state).absolute()
    given = (
        *named(settings),
        BackupPiece(CONSOLE_TLS, Path(settings.folders.console) / "tls", is_folder=True),
        BackupPiece(CONFIG, config, is_folder=False),
    )
    apart = [
        BackupPiece(piece.name, piece.path.absolute(), piece.is_folder, piece.key)
        for piece in given
        if not piece.path.absolute().is_relative_to(state)
    ]
    return (BackupPiece(STATE, state, is_folder=True), *apart)


def named(settings: Settings) -> tuple[BackupPiece, ...]:
    """Return the files and folders that the configuration names, each with its key."""
    mail, mqtt, central, console = settings.mail, settings.mqtt, settings.central, settings.console
    files = (
        ("mail-password", "mail.password_file", mail.password_file),
        ("mail-ca", "mail.ca_file", mail.ca_file),
        ("mqtt-password", "mqtt.password_file", mqtt.password_file),
        ("mqtt-ca", "mqtt.ca_file", mqtt.ca_file),
        ("mqtt-certificate", "mqtt.certificate", mqtt.certificate),
        ("mqtt-key", "mqtt.key", mqtt.key),
        ("updates-ca", "updates.ca_file", settings.updates.ca_file),
        ("central-ca", "central.ca_file", central.ca_file),
        ("central-certificate", "central.certificate", central.certificate),
        ("central-passphrase", "central.passphrase_file", central.passphrase_file),
        ("console-certificate", "console.certificate", console.certificate),
        ("console-key", "console.key", console.key),
        ("backup-ca", "backup.ca_file", settings.backup.ca_file),
        ("backup-passphrase", "backup.passphrase_file", settings.backup.passphrase_file),
        *_of_modems(settings),
    )
    prompts = BackupPiece(
        PROMPTS, Path(settings.folders.prompts), is_folder=True, key="folders.prompts"
    )
    found = (prompts, *(BackupPiece(name, Path(path), False, key) for name, key, path in files))
    return tuple(piece for piece in found if piece.path != Path())


def missing(settings: Settings) -> tuple[BackupPiece, ...]:
    """Return the pieces that the configuration names and that are absent or empty here.

    A piece in a folder closed to this account counts as present.
    """
    return tuple(piece for piece in named(settings) if _is_missing(piece))


def _is_missing(piece: BackupPiece) -> bool:
    try:
        found = piece.path.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return stat.S_ISDIR(found.st_mode) is not piece.is_folder or found.st_size == 0


def _of_modems(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the modems' profiles and bundles; one that two lines share comes once."""
    profiles = dict.fromkeys(line.profile for line in settings.lines if line.profile)
    for number, path in enumerate(profiles, 1):
        yield f"profile-{number}", "lines.profile", path
    bundles = dict.fromkeys(str(line.bundle) for line in settings.lines if line.bundle)
    for number, path in enumerate(bundles, 1):
        yield f"bundle-{number}", "lines.bundle", path


def backup_contents(piece: BackupPiece) -> Iterator[tuple[str, Path]]:
    """Yield (name in the backup, path) of folders and files, a folder before what is in it."""
    if not piece.is_folder:
        if piece.path.is_file():
            yield piece.name, piece.path
        return
    if not piece.path.is_dir():
        return
    yield piece.name, piece.path
    for path in sorted(piece.path.rglob("*")):
        inner = path.relative_to(piece.path)
        if piece.name == STATE and _is_left_out(inner):
            continue
        if not path.is_symlink() and (path.is_dir() or path.is_file()):
            yield f"{piece.name}/{inner.as_posix()}", path


def _is_left_out(inner: Path) -> bool:
    """Return whether a path of the state folder is left out of backups."""
    # The database too: SQLite itself copies it as of one moment.
    names = {parent.as_posix() for parent in (inner, *inner.parents)}
    return (
        bool(names & LEFT_OUT)
        or inner.parts[0].startswith((OWN_COPY, *APART))
        or inner.suffix in {".tmp", ".copy"}
        or inner.as_posix().startswith(database_path(Path()).name)
    )


# A backup is made beside a running call control. SQLite's online backup copies the database as of
# one moment; the messages follow, so that every message the copy knows is there unless it was
# erased meanwhile. A later message, which the copy does not know, is adopted by the mailbox.

FORMAT = 1


@dataclass
class _Archive:
    """A tar being written, the digest of each of its files, and the pieces that were unreadable."""

    tar: tarfile.TarFile
    files: dict[str, str] = field(default_factory=dict)
    closed: list[BackupPiece] = field(default_factory=list)

    def add_piece(self, piece: BackupPiece) -> None:
        """Add a piece, or note it if this account may not read it. Raises OSError."""
        try:
            for name, path in backup_contents(piece):
                # Only single files, which the administrator names, may be links.
                self.add(name, path if piece.is_folder else path.resolve())
        except PermissionError:
            if piece.name == STATE:
                raise
            self.closed.append(piece)

    def add(self, name: str, path: Path) -> None:
        """Add a folder or file. Raises OSError."""
        # A file that was erased meanwhile is left out.
        with contextlib.suppress(FileNotFoundError):
            if path.is_dir():
                self.tar.addfile(self.tar.gettarinfo(path, name))
                return
            with open_plain(path) as file:
                digest = _Digesting(file)
                self.tar.addfile(self.tar.gettarinfo(arcname=name, fileobj=file), digest)
                self.files[name] = digest.sha256.hexdigest()


class _Digesting:
    """Reader of a file that computes its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


@dataclass(frozen=True, slots=True)
class WrittenBackup:
    """Result of a backup: number of files, and the configuration's keys whose files were
    unreadable.
    """

    files: int
    closed: tuple[str, ...] = ()


def size_of(state: Path) -> int:
    """Return the largest size (bytes) of a backup: database, sounds, 16 MB for the rest."""
    sounds = sum(path.stat().st_size for path in (state / "voicemail").rglob("*") if path.is_file())
    return database_path(state).stat().st_size + sounds + (16 << 20)


def write_backup(
    settings: Settings, config: Path, to: Path, passphrase: str, at: datetime
) -> WrittenBackup:
    """Write the backup to a new file, whole or not at all.

    Raises Refused: no database, a damaged one, or the disk fails.
    """
    if to.exists():
        raise Refused(_("{to} is there already: name another", to=to))
    try:
        # The console fetches the backup that was made in the browser.
        mode = SHARED if to == Path(settings.folders.state) / MADE else PRIVATE
        with replacing(to, mode=mode) as file:
            written = into(settings, config, file, passphrase, at)
    except (OSError, sqlite3.Error) as error:
        why = words_of(error)
        raise Refused(
            _("the backup cannot be written: {why}", why=why),
        ) from error
    return written


def to_stream(
    settings: Settings, config: Path, stream: IO[bytes], passphrase: str, at: datetime
) -> WrittenBackup:
    """Write the backup to a pipe, as for `ssh box centralino box backup -`; raises Refused."""
    try:
        written = into(settings, config, stream, passphrase, at)
        stream.flush()
    except (OSError, sqlite3.Error) as error:
        why = words_of(error)
        raise Refused(
            _("the backup did not arrive whole: {why}", why=why),
        ) from error
    return written


def into(
    settings: Settings, config: Path, file: IO[bytes], passphrase: str, at: datetime
) -> WrittenBackup:
    """Write the backup to an open file or pipe; raises Refused, OSError, sqlite3.Error."""
    state = Path(settings.folders.state)
    sealing = AgeWriter(file, passphrase)
    with (
        _copied(state) as (records, schema),
        tarfile.open(fileobj=cast("IO[bytes]", sealing), mode="w|") as tar,
    ):
        archive = _Archive(tar)
        for piece in backup_pieces(settings, config):
            archive.add_piece(piece)
            if piece.name == STATE:
                archive.add(f"{STATE}/{database_path(state).name}", records)
        # Last: it has the digests of all files before it.
        _add_manifest(
            archive,
            {
                "site": settings.site.name,
                "made": at.isoformat(),
                "schema": schema,
                "closed": [piece.key or piece.name for piece in archive.closed],
                "card": card_values.to_note(state),
            },
        )
    # Whole chunks, zeros behind the archive's end: a file that was cut is told from a damaged one.
    sealing.fill()
    sealing.close()
    return WrittenBackup(
        len(archive.files), tuple(piece.key for piece in archive.closed if piece.key)
    )


def _add_manifest(archive: _Archive, told: dict[str, Any]) -> None:
    about = {"format": FORMAT, "centralino": appliance.__version__, **told}
    text = json.dumps({**about, "files": archive.files}).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size = len(text)
    archive.tar.addfile(member, io.BytesIO(text))


@contextlib.contextmanager
def _copied(state: Path) -> Iterator[tuple[Path, int]]:
    """Yield a copy of the database as of one moment, and its schema version; raises Refused."""
    path = database_path(state)
    if not path.exists():
        raise Refused(
            _(
                "there is nothing in {state} to back up yet: the switchboard has never run",
                state=state,
            ),
        )
    # Left by a backup that was killed.
    for left in state.glob(f"{OWN_COPY}*"):
        shutil.rmtree(left)
    with contextlib.ExitStack() as stack:
        with acting_for(state):
            made = tempfile.TemporaryDirectory(prefix=OWN_COPY, dir=state)
            folder = stack.enter_context(made)
            copied = _copy(path, Path(folder) / path.name)
        yield copied


def _copy(path: Path, to: Path) -> tuple[Path, int]:
    try:
        with closing(open_reader(path)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy)
            # One file, with no -wal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            said = str(copy.execute("PRAGMA integrity_check(1)").fetchone()[0])
            schema = int(copy.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said = str(error)
    except StoreError as error:
        said = str(error)
    if said != "ok":
        what = error_text_words(said)
        raise Refused(
            _("the records are damaged ({what}): no backup was written", what=what),
        )
    to.chmod(0o600)
    return to, schema


# The backup stick. Call control may not mount: it asks root's helper (`centralino box backup
# --stick-asked`) by a small file in /run. Which stick it is, its last whole backup and its
# passphrase are kept in the state folder, so also in the backup: a restored card goes on by itself.

FILE: Final = "backup_stick.json"
PHRASE: Final = "backup_stick_passphrase"
REQUEST: Final = "backup-stick-asked"
# File of the plugged-in sticks, beside the helper's answer.
PLUGGED: Final = "sticks"
# A stick that stayed at home for a night is no alarm; one missing over a long weekend is.
STALE: Final = timedelta(days=3)
CODE: Final = "backup.stick"
LATE: Final = _("The backup stick has had no whole backup {when}: {why}")
NOT_TRIED: Final = _("put it into the box and look at the page Backup and restore")
SET_UP: Final = _("Backup stick ({name}): last whole backup {when}")
NONE: Final = _(
    "No automatic backup away from the memory card: set a stick up on the page Backup and restore"
)


@dataclass(frozen=True, slots=True)
class BackupStick:
    """A backup stick that was set up, and the last try."""

    # Of its file system.
    uuid: str
    label: str
    by: str
    since: datetime
    # The last backup that was then read back whole, None for never.
    done: datetime | None = None
    tried: datetime | None = None
    well: bool = True
    words: Words = NOTHING


def load_stick(state: Path) -> BackupStick | None:
    """Read the stick that was set up; None if absent or malformed."""
    try:
        told = json.loads(load_text(state / FILE))
        words = stored(told)
        times = [told["done"], told["tried"]]
        done, tried = (datetime.fromisoformat(at) if at else None for at in times)
        since, well = datetime.fromisoformat(told["since"]), bool(told["well"])
        texts = (str(told["uuid"]), str(told["label"]), str(told["by"]))
        return BackupStick(*texts, since, done, tried, well, words)
    except (ValueError, KeyError, TypeError):
        return None


def keep_stick(state: Path, stick: BackupStick) -> None:
    """Write the stick's state, durably; raises OSError."""
    told = {
        "uuid": stick.uuid,
        "label": stick.label,
        "by": stick.by,
        "since": stick.since.isoformat(),
        "done": stick.done.isoformat() if stick.done else None,
        "tried": stick.tried.isoformat() if stick.tried else None,
        "well": stick.well,
        **stick.words.by_language(),
    }
    atomic_write(state / FILE, json.dumps(told))


def heard(stick: BackupStick, went: HelperResult) -> BackupStick:
    """Return the stick's state after a try."""
    done = went.at if went.is_well else stick.done
    return replace(stick, done=done, tried=went.at, well=went.is_well, words=went.said)


def forget(state: Path) -> None:
    """Delete stick and passphrase: no stick gets backups any more. Raises OSError."""
    for name in (FILE, PHRASE):
        (state / name).unlink(missing_ok=True)


def request_path(run: Path) -> Path:
    """Return the path of a request; systemd's centralino-request@backup-stick.path watches it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Return the path of the helper's answer: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-backup-stick") / ANSWER


def ask_for_stick(run: Path, asked: HelperRequest) -> None:
    """Write a request; one with a passphrase sets the plugged stick up. Raises OSError."""
    helper_requests.put_request(request_path(run), asked)


def is_waiting(run: Path) -> bool:
    """Return whether a request waits; one that nobody takes is deleted."""
    return helper_requests.request_is_waiting(request_path(run))


def take(run: Path) -> HelperRequest | None:
    """Remove and return a request; None if absent or malformed."""
    return helper_requests.take_request(request_path(run))


def tell(run: Path, went: HelperResult) -> None:
    """Write a request's result, readable by call control; raises OSError."""
    helper_requests.write_result(answer_path(run), went)


def last(run: Path) -> HelperResult | None:
    """Read the result of the last request; None if absent or malformed."""
    return helper_requests.read_result(answer_path(run))


@dataclass(frozen=True, slots=True)
class PluggedStick:
    """A plugged-in stick as the helper has seen it; `is_usable` if the box can write it."""

    uuid: str
    name: str
    is_usable: bool


def tell_sticks(run: Path, sticks: Iterable[PluggedStick]) -> None:
    """Write the list of plugged-in sticks, readable by call control; raises OSError."""
    path = answer_path(run).with_name(PLUGGED)
    path.parent.mkdir(mode=0o755, exist_ok=True)
    told = json.dumps([asdict(stick) for stick in sticks])
    atomic_write(path, told, mode=READABLE, is_durable=False)


def sticks_told(run: Path) -> tuple[PluggedStick, ...]:
    """Read the list of plugged-in sticks; () if absent or malformed."""
    try:
        told = json.loads(load_text(answer_path(run).with_name(PLUGGED)))
        return tuple(PluggedStick(**one) for one in told)
    except (ValueError, TypeError):
        return ()


def trouble_of_stick(stick: BackupStick | None, now: datetime, zone: ZoneInfo) -> Trouble | None:
    """Return the trouble for a stick without a whole backup for longer than STALE."""
    if stick is None:
        return None
    since = stick.done or stick.since
    if now - since <= STALE:
        return None
    on, why = since.astimezone(zone), NOT_TRIED if stick.well else stick.words
    when = day_phrase_words(in_context("day", "since"), on)
    return Trouble(CODE, with_full_stop(LATE.filled(when=when, why=why)))


def with_full_stop(words: Words) -> Words:
    """Return a sentence that ends in one full stop, whether or not its last words have one."""
    return by_language(lambda language: f"{words.text(language).rstrip('.')}.")


def done_words(done: datetime | None, zone: ZoneInfo) -> Words:
    """Return the moment of the last whole backup in words."""
    if done is None:
        return _("never")
    local = done.astimezone(zone)
    return by_language(lambda language: moment_words(local, language))


def said(stick: BackupStick | None, folder: str, zone: ZoneInfo) -> tuple[Words, ...]:
    """Return sentences: the stick and its last backup, or that no backup leaves the card."""
    if stick is None:
        return () if folder else (NONE,)
    name = stick.label or stick.uuid
    return (SET_UP.filled(name=name, when=done_words(stick.done, zone)),)
