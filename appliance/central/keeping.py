"""A bundle's folder in the state folder: made whole or not at all, named as in force by one rename.

central/DIGEST/settings.bundle, schedule.toml, prompts/it/KEY.wav
central/in_force       the digest of the folder that holds
central/pending        the digest of one whose sounds are still to be put in force
central/fetched        the bundle that the server gave last
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon.central_place import DIGEST, IN_FORCE, PENDING, SCHEDULE, folder_of
from appliance.files import SHARED, atomic_write, fsync_directory, load_text, make_shared
from appliance.policy.text import Refused
from appliance.store import managed_config as records
from appliance.store.database import open_reader

if TYPE_CHECKING:
    from appliance.central.content import Content

log = logging.getLogger(__name__)

BUNDLE: Final = "settings.bundle"
_DRAFT: Final = ".new-"


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold others off while settings are put in force; raises Refused where somebody does."""
    folder = folder_of(state)
    make_shared(folder)
    # the folder itself is locked: a file that the administrator makes is closed to the service
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
            "altre impostazioni centrali si stanno mettendo in vigore: riprovare fra poco",
            "other central settings are being put in force: try again in a moment",
        ) from error


def keep(state: Path, digest: str, bundle: bytes, content: Content) -> None:
    """Make the folder of a bundle, durably; raises OSError. One that is there is left alone."""
    folder = folder_of(state) / digest
    if folder.is_dir():
        return
    draft = folder_of(state) / f"{_DRAFT}{digest}"
    shutil.rmtree(draft, ignore_errors=True)
    named: dict[str, bytes] = {BUNDLE: bundle, **content.prompts}
    if content.schedule_text:
        named[SCHEDULE] = content.schedule_text.encode()
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
    """Return a bundle that is kept; raises Refused where it is not."""
    try:
        return (folder_of(state) / digest / BUNDLE).read_bytes()
    except OSError as error:
        raise Refused(
            "le impostazioni centrali di prima non ci sono più: applicare di nuovo il loro file",
            "the central settings of before are not there any more: apply their file again",
        ) from error


def name(state: Path, what: str, digest: str) -> None:
    """Write one of the small files, durably, or remove it for ""; raises OSError."""
    path = folder_of(state) / what
    if load_text(path).strip() == digest:
        return
    if digest:
        atomic_write(path, f"{digest}\n", mode=SHARED)
    else:
        path.unlink(missing_ok=True)
    fsync_directory(path.parent)


def put_in_force(state: Path, digest: str) -> None:
    """Have the configuration's readers find a bundle's folder, "" for none; raises OSError."""
    name(state, IN_FORCE, digest)


def pending(state: Path) -> str:
    """Return the digest of a bundle whose sounds are still to be put in force, "" for none."""
    return load_text(folder_of(state) / PENDING).strip()


def forget_others(state: Path, wanted: Collection[str]) -> None:
    """Remove the folders of bundles that neither hold nor are gone back to."""
    for path in folder_of(state).iterdir():
        is_old = DIGEST.fullmatch(path.name) and path.name not in wanted
        if is_old or path.name.startswith(_DRAFT):
            shutil.rmtree(path, ignore_errors=True)


def prompts_of(state: Path, digest: str) -> dict[str, bytes]:
    """Return the announcements of a bundle that is kept, by their names in it."""
    folder = folder_of(state) / digest
    if not digest or not folder.is_dir():
        return {}
    found = sorted(folder.glob("prompts/*/*.wav"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def settle_folder(state: Path, database: Path) -> tuple[str, ...] | None:
    """Have the folder hold that the records name; returns the digests that are still wanted.

    None where nothing was done: the records cannot be read, or (begun afresh after damage) know of
    no central settings. What held then holds.
    """
    if not folder_of(state).is_dir():
        return None
    try:
        with closing(open_reader(database)) as connection:
            now = records.in_force(connection)
        if now is None:
            return None
        put_in_force(state, now.digest)
    except (OSError, sqlite3.Error) as error:
        log.warning("central settings stay as they are: %s", error)
        return None
    return tuple(filter(None, (now.digest, now.former)))
