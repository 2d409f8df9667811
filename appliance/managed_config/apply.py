"""Applying a bundle of the head office's settings: checking, applying, reverting, storing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from appliance.api import speech
from appliance.config import state_folder
from appliance.config.office import build_office
from appliance.config.read import overlay_schedule, read_text
from appliance.config.state_folder import (
    BACKUPS,
    DIGEST,
    IN_FORCE,
    PENDING,
    SCHEDULE,
    UPDATES,
    backups_in_force,
    bundle_folder,
    schedule_in_force,
    speech_folder,
    updates_in_force,
)
from appliance.config.values import BadConfiguration
from appliance.errors import CentralinoError, TechnicianError
from appliance.files import SHARED, atomic_write, fsync_directory, load_text, make_shared
from appliance.managed_config.bundle import (
    SETTINGS_NAME,
    BundleContent,
    check_signature,
    content_of,
    open_directory,
    unpack_bundle,
)
from appliance.policy import managed_config as policy
from appliance.policy.managed_config import BranchBox, BundleChanges
from appliance.policy.privacy import mask_journal, without_addresses
from appliance.policy.text import Refused, words_of
from appliance.service import live_policy
from appliance.service.live_policy import policy_version
from appliance.store import database, directory, sheets
from appliance.store import managed_config as records
from appliance.store.database import Noted, open_reader, records_made
from appliance.store.directory import Who, key_path
from appliance.store.managed_config import APPLIED, ENTERED, REFUSED, REVERTED, InForce
from appliance.store.policy_change import ManagedPolicy, PolicyChange
from appliance.text import _, joined, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from appliance.config.schema import Settings
    from appliance.managed_config.bundle import SettingsBundle
    from appliance.policy.sheets import Menu, Sheet


# Applies or reverts a bundle, whole or not at all, whenever the power is cut. First everything new
# is written beside the old: the bundle's folder, the sounds. Then one database transaction writes
# directory, sheets, the audit and the bundle in force: that is the moment of change.
# `finish_interrupted` repairs what follows from it after a power cut: the small file for the
# configuration's reader, the menu of spoken sheets.


@dataclass(frozen=True, slots=True)
class ApplyStamp:
    """User, time and source of an applied bundle."""

    by: str
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class _Next:
    """The bundle to apply: version, digest ("" for none), and the one to revert to."""

    version: int
    digest: str
    former_version: int
    former: str
    content: BundleContent


def apply_bundle(place: ManagedBox, given: JudgedBundle, stamp: ApplyStamp) -> BundleChanges:
    """Apply a checked bundle; return the changes. Raises Refused, StoreError, OSError."""
    with bundles_locked(place.state):
        finish_interrupted(place)
        keep_bundle(place.state, given.digest, given.data, given.content)
        with place.reading() as connection:
            now = records.in_force(connection)
            # Checked again under the lock: another one may have been applied since it was judged.
            policy.check_newer(given.version, given.digest, box_of(place, connection))
        # Applied again, it keeps the former bundle: else a revert would lead to itself.
        is_same = now is not None and now.digest == given.digest
        former = (now.former_version, now.former) if now and is_same else _held(now)
        wanted = _Next(given.version, given.digest, *former, given.content)
        return _turn(place, wanted, stamp, APPLIED)


def revert_bundle(place: ManagedBox, stamp: ApplyStamp) -> tuple[int, BundleChanges]:
    """Revert to the former bundle; return its version, 0 for none, and the changes.

    Raises Refused without a former bundle, or if that is no longer valid here.
    """
    with bundles_locked(place.state):
        finish_interrupted(place)
        with place.reading() as connection:
            now = records.in_force(connection)
        if now is None or not now.digest or now.source == records.REVERT:
            raise Refused(
                _("there is nothing to go back to: apply a file of central settings"),
            )
        content = BundleContent()
        if now.former:
            # No signature check: it was verified when it came, and lies in a folder of our own.
            kept = unpack_bundle(bundle_of(place.state, now.former), lambda *_: None)
            content = content_of_bundle(place.settings, kept)
        check_office(place, content)
        wanted = _Next(now.former_version, now.former, 0, "", content)
        return now.former_version, _turn(place, wanted, stamp, REVERTED)


def finish_interrupted(place: ManagedBox) -> None:
    """Finish an application that a power cut interrupted; raises StoreError, OSError."""
    wanted = settle_folder(place.state, place.database)
    if not pending_bundle(place.state):
        return
    with place.reading() as connection:
        found, units = sheets.all_sheets(connection), directory.units(connection)
    folder, languages = state_folder.speech_folder(place.state), place.settings.site.languages
    speech.publish(folder, speech.render(folder, found, languages))
    # Without the sounds of their names, units are said by their codes.
    with contextlib.suppress(TechnicianError, OSError):
        speech.name_units(folder, {unit.code: unit.name for unit in units}, languages[0])
    name_bundle(place.state, PENDING, "")
    # Only once the database was read: else a folder still in use could go.
    if wanted is not None:
        forget_other_bundles(place.state, wanted)


def _held(now: InForce | None) -> tuple[int, str]:
    return (now.version, now.digest) if now else (0, "")


def _turn(place: ManagedBox, wanted: _Next, stamp: ApplyStamp, code: str) -> BundleChanges:
    """Generate sounds, write the database, then finish."""

    def made(connection: sqlite3.Connection) -> tuple[BundleChanges, PolicyChange]:
        # Read before the slow work: a change by somebody else meanwhile is then noticed.
        basis = policy_version(connection)
        _voiced(place, connection, wanted.content)
        name_bundle(place.state, PENDING, wanted.digest or "none")
        changes = changes_of(place, connection, wanted.content)
        about = Noted(stamp.at, stamp.by, code, f"{wanted.version}: {changes.noted}")
        return changes, _change(place, connection, wanted, changes, stamp, basis, about)

    changes = place.change(made)
    finish_interrupted(place)
    return changes


def _change(
    place: ManagedBox,
    connection: sqlite3.Connection,
    wanted: _Next,
    changes: BundleChanges,
    stamp: ApplyStamp,
    basis: int,
    about: Noted,
) -> PolicyChange:
    """Return the rows of sheets and directory, and which of them are the head office's."""
    content = wanted.content
    theirs, here = records.units(connection), records.entered_here(connection)
    # A bundle without units leaves the branch's own directory as it is.
    rows = None
    if content.directory.units:
        who = Who(stamp.by, stamp.at, ENTERED)
        _, rows = directory.rows_of(
            connection,
            key_path(place.database),
            who,
            lambda stored: policy.merged_directory(stored, content.directory, theirs, here),
            {},
        )
    held = InForce(
        wanted.version,
        wanted.digest,
        wanted.former_version,
        wanted.former,
        stamp.at,
        stamp.by,
        stamp.source,
    )
    sheet_codes = tuple(sheet.code for sheet in content.sheets)
    unit_codes = tuple(unit.code for unit in content.directory.units)
    written, gone = tuple(changes.sheets.written), tuple(changes.sheets.gone)
    return PolicyChange(
        basis, rows, written, gone, (about,), ManagedPolicy(held, sheet_codes, unit_codes)
    )


def _voiced(place: ManagedBox, connection: sqlite3.Connection, content: BundleContent) -> Menu:
    """Generate the sounds of every spoken sheet after the change; raises BadConfiguration."""
    return speech.render(
        state_folder.speech_folder(place.state),
        _sheets_after(connection, content),
        place.settings.site.languages,
    )


def _sheets_after(connection: sqlite3.Connection, content: BundleContent) -> tuple[Sheet, ...]:
    known = sheets.all_sheets(connection)
    plan = policy.sheets_change(known, content.sheets, records.sheets(connection))
    changed = {sheet.code for sheet in plan.written}
    stay = (s for s in known if s.code not in changed and s.code not in plan.gone)
    return (*stay, *plan.written)


# Checks whether a bundle is the head office's, for this box, newer and valid here, and what it
# would change. Nothing is written; every refusal is one sentence.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ManagedBox:
    """The box: its own configuration, without the head office's settings, and the present year."""

    settings: Settings
    year: int

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return Path(self.settings.folders.state)

    @property
    def database(self) -> Path:
        """The database; raises Refused before call control has created it."""
        return records_made(self.state)

    def reading(self) -> closing[sqlite3.Connection]:
        """Open the database read-only; raises StoreError."""
        return closing(open_reader(self.database))

    def change(self, make: Callable[[sqlite3.Connection], tuple[T, PolicyChange]]) -> T:
        """Have call control write a change, or write it here if it does not run."""
        return live_policy.change_policy(self.settings, make)


@dataclass(frozen=True, slots=True)
class JudgedBundle:
    """A valid bundle with its changes; `is_so_already` if it is in force."""

    data: bytes
    digest: str
    version: int
    content: BundleContent
    changes: BundleChanges
    is_so_already: bool


def judge_bundle(place: ManagedBox, data: bytes) -> JudgedBundle:
    """Check a bundle's file; raises Refused, BadConfiguration, OfficeError, StoreError."""
    certificates = _certificates(place.settings)
    bundle = unpack_bundle(data, lambda signature, of: check_signature(certificates, signature, of))
    digest = hashlib.sha256(data).hexdigest()
    with place.reading() as connection:
        box = box_of(place, connection)
        policy.check_addressed(bundle.sites, box)
        policy.check_newer(bundle.version, digest, box)
        content = content_of_bundle(place.settings, bundle)
        check_office(place, content)
        changes = changes_of(place, connection, content)
    so = digest == box.digest and prompts_of(place.state, digest) == dict(content.prompts)
    return JudgedBundle(data, digest, bundle.version, content, changes, so)


def content_of_bundle(settings: Settings, bundle: SettingsBundle) -> BundleContent:
    """Read a bundle's content; raises Refused, BadConfiguration."""
    return content_of(open_directory(bundle.files, passphrase_of(settings)))


def check_office(place: ManagedBox, content: BundleContent) -> None:
    """Check the configuration with the head office's schedule; raises BadConfiguration."""
    settings = overlay_schedule(place.settings, content.schedule)
    own = (Path(settings.folders.prompts),) if settings.folders.prompts else ()
    # The check looks up greetings by name: empty files stand for the bundle's announcements, whose
    # sound was checked before.
    with tempfile.TemporaryDirectory() as folder:
        for name in content.prompts:
            path = Path(folder) / Path(name).relative_to("prompts")
            path.parent.mkdir(exist_ok=True)
            path.touch()
        build_office(
            settings, place.year, SETTINGS_NAME, (*own, speech_folder(place.state), Path(folder))
        )


def changes_of(
    place: ManagedBox, connection: sqlite3.Connection, content: BundleContent
) -> BundleChanges:
    """Return what a content would change here; raises Refused if it cannot be applied."""
    plan = policy.sheets_change(
        sheets.all_sheets(connection), content.sheets, records.sheets(connection)
    )
    now = records.in_force(connection)
    prompts = prompts_of(place.state, now.digest if now else "")
    units, entered = _directory_changes(place, connection, content)
    return BundleChanges(
        schedule_in_force(place.state) != content.schedule_text,
        plan,
        units,
        entered,
        prompts != dict(content.prompts),
        updates_in_force(place.state) != content.updates_text,
        backups_in_force(place.state) != content.backups_text,
    )


def _directory_changes(
    place: ManagedBox, connection: sqlite3.Connection, content: BundleContent
) -> tuple[tuple[int, int, int], int]:
    """Return the numbers of new, changed and removed units, and of added entries."""
    # A content without units leaves the directory to the branch.
    if not content.directory.units:
        return (0, 0, 0), 0
    stored = directory.load(connection, key_path(place.database))
    merged = policy.merged_directory(
        stored, content.directory, records.units(connection), records.entered_here(connection)
    )
    known = speech.disclosure_now(place.settings, connection)
    policy.check_disclosed(merged, known)
    return policy.units_counted(merged), len(merged.new) + len(merged.revoked)


def passphrase_of(settings: Settings) -> str:
    """Return the passphrase of the directory, "" if none is configured; raises Refused."""
    named = settings.central.passphrase_file
    return (
        _configured_text(named, "central.passphrase_file").partition("\n")[0].strip()
        if named
        else ""
    )


def _certificates(settings: Settings) -> bytes:
    named = settings.central.certificate
    if not named:
        raise Refused(
            _("who signs for the head office is not configured: write certificate under [central]"),
        )
    return _configured_text(named, "central.certificate").encode()


def _configured_text(named: str, key: str) -> str:
    try:
        return read_text(Path(named))
    except ValueError as error:
        raise Refused(joined(": ", (unchanged(key), words_of(error)))) from error


def box_of(place: ManagedBox, connection: sqlite3.Connection) -> BranchBox:
    """Return the box's branch and its bundles so far; raises sqlite3.Error."""
    now = records.in_force(connection)
    version, digest = (now.version, now.digest) if now else (0, "")
    branch = place.settings.central.branch
    return BranchBox(branch, version, digest, records.highest(connection))


# A bundle's folder in the state folder is made whole or not at all, and activated by one rename:
#
#     central/DIGEST/    settings.bundle, schedule.toml, updates.toml, backups.toml,
#                        prompts/it/KEY.wav
#     central/in_force   the digest of the folder in force
#     central/pending    the digest of a bundle whose sounds are not in force yet
#     central/fetched    the bundle last fetched from the server

log = logging.getLogger(__name__)

BUNDLE_FILE: Final = "settings.bundle"
_DRAFT: Final = ".new-"


@contextlib.contextmanager
def bundles_locked(state: Path) -> Iterator[None]:
    """Lock the bundles' folder while settings are applied; raises Refused if it is locked."""
    folder = bundle_folder(state)
    make_shared(folder)
    # Lock the folder itself: a lock file created by the administrator is closed to the service.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Refused(
            _("other central settings are being put in force: try again in a moment"),
        ) from error


def keep_bundle(state: Path, digest: str, bundle: bytes, content: BundleContent) -> None:
    """Create a bundle's folder, with fsync, unless it exists; raises OSError."""
    folder = bundle_folder(state) / digest
    if folder.is_dir():
        return
    # Written under another name, then renamed: a power cut leaves no half folder under the digest.
    draft = bundle_folder(state) / f"{_DRAFT}{digest}"
    shutil.rmtree(draft, ignore_errors=True)
    named: dict[str, bytes] = {BUNDLE_FILE: bundle, **content.prompts}
    if content.schedule_text:
        named[SCHEDULE] = content.schedule_text.encode()
    if content.updates_text:
        named[UPDATES] = content.updates_text.encode()
    if content.backups_text:
        named[BACKUPS] = content.backups_text.encode()
    _write_all(draft, named)
    draft.rename(folder)
    fsync_directory(folder.parent)


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    make_shared(folder)
    for name, data in files.items():
        make_shared((folder / name).parent)
        atomic_write(folder / name, data, mode=SHARED)
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        fsync_directory(inner)


def bundle_of(state: Path, digest: str) -> bytes:
    """Return a stored bundle; raises Refused if it is gone."""
    try:
        return (bundle_folder(state) / digest / BUNDLE_FILE).read_bytes()
    except OSError as error:
        raise Refused(
            _("the central settings of before are not there any more: apply their file again"),
        ) from error


def name_bundle(state: Path, what: str, digest: str) -> None:
    """Write in_force or pending, with fsync, or remove it for ""; raises OSError."""
    path = bundle_folder(state) / what
    # An unchanged file is not written again: a start does this each time.
    if load_text(path).strip() == digest:
        return
    if digest:
        atomic_write(path, f"{digest}\n", mode=SHARED)
    else:
        path.unlink(missing_ok=True)
    fsync_directory(path.parent)


def name_in_force(state: Path, digest: str) -> None:
    """Activate a bundle's folder for the configuration's readers, "" for none; raises OSError."""
    name_bundle(state, IN_FORCE, digest)


def pending_bundle(state: Path) -> str:
    """Return the digest of a bundle whose sounds are not in force yet, "" for none."""
    return load_text(bundle_folder(state) / PENDING).strip()


def forget_other_bundles(state: Path, wanted: Collection[str]) -> None:
    """Remove the folders of bundles that are neither in force nor the former one."""
    for path in bundle_folder(state).iterdir():
        is_old = DIGEST.fullmatch(path.name) and path.name not in wanted
        if is_old or path.name.startswith(_DRAFT):
            shutil.rmtree(path, ignore_errors=True)


def prompts_of(state: Path, digest: str) -> dict[str, bytes]:
    """Return a stored bundle's announcements by their names in it."""
    folder = bundle_folder(state) / digest
    if not digest or not folder.is_dir():
        return {}
    found = sorted(folder.glob("prompts/*/*.wav"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def settle_folder(state: Path, database: Path) -> tuple[str, ...] | None:
    """Activate the folder that the database names; return the digests still needed.

    None if nothing was done: the database cannot be read, or was created anew after damage and
    holds no central settings. The folder in force then stays.
    """
    if not bundle_folder(state).is_dir():
        return None
    try:
        with closing(open_reader(database)) as connection:
            now = records.in_force(connection)
        if now is None:
            return None
        name_in_force(state, now.digest)
    except (OSError, sqlite3.Error) as error:
        log.warning("central settings stay as they are: %s", error)
        return None
    return tuple(filter(None, (now.digest, now.former)))


# Writes refused bundles to the list of changes: by whom, which file, and why.

DIGEST_DIGITS: Final = 12
"""Digits of a digest that identify a file in the list."""
# Of many mistakes the first ones are enough.
LONGEST_REASON: Final = 400
"""Characters of a reason in each language."""


@contextlib.contextmanager
def refusals_noted(place: ManagedBox, data: bytes, stamp: ApplyStamp) -> Iterator[None]:
    """Note why a bundle's file was refused, and raise the refusal again."""
    try:
        yield
    except (Refused, BadConfiguration) as error:
        # The refusal itself is what matters: a failure to note it is not raised.
        with contextlib.suppress(CentralinoError, OSError, sqlite3.Error):
            _note(place, Noted(stamp.at, stamp.by, REFUSED, _about(data, stamp.source, error)))
        raise


def _note(place: ManagedBox, noted: Noted) -> None:
    def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
        # The server is asked every hour: the same refusal in a row is noted once.
        last = database.latest(connection, "central.", 1)
        known = [(one.by, one.what, one.about) for one in last]
        is_new = known != [(noted.by, noted.what, noted.about)]
        return None, PolicyChange(policy_version(connection), noted=(noted,) if is_new else ())

    place.change(made)


def _about(data: bytes, source: str, error: Exception) -> str:
    """Return the file, then the reason, a line in each language; no telephone number (P7)."""
    words = words_of(error)
    digest = hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS]
    # An address is the configuration's own; a file name may hold anything, also a number.
    where = source if source.startswith("https://") else _line(source)
    return "\n".join((f"{digest} {where}", *map(_line, words.by_language().values())))


def _line(text: str) -> str:
    plain = without_addresses(mask_journal(" ".join(text.split())))
    return plain if len(plain) <= LONGEST_REASON else f"{plain[: LONGEST_REASON - 1]}…"
