"""What belongs to a backup, and where each piece stands on the box."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon.stores import database_path

if TYPE_CHECKING:
    from appliance.config.schema import Settings

STATE: Final = "state"
CONFIG: Final = "config"
PROMPTS: Final = "prompts"
CONSOLE_TLS: Final = "console-tls"
"""The console's own authority, which browsers trust already."""
MANIFEST: Final = "manifest.json"
MADE: Final = "backups/console.backup"
"""Where, in the state folder, a backup lies that was asked for in a browser."""
UPLOADED: Final = "restore/uploaded.backup"
"""Where, in the console's folder, a backup lies that came from a browser (console/uploads.py)."""
UNPACKED: Final = ".centralino-restore-"
"""A folder beside the state folder, or in it, in which a backup is unpacked and checked."""
STAGED: Final = ".restore"
"""Within a folder that is a mount point, and so cannot be renamed: where its new contents wait."""
PLACING: Final = ".restore-placing"
"""The same, once all that stood has been set aside."""
BEFORE: Final = ".before-"
"""Within such a folder: what stood there before a restore, with its time."""
APART: Final = (UNPACKED, STAGED, BEFORE)
"""What belongs to a restore and not to the box: PLACING too begins so."""
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
"""Of the state folder: what recovery set aside, the shell's proof, sound still being recorded, a
file of an update, one of central settings that the server gives again."""
OWN_COPY: Final = ".backup-"
"""A folder of the state folder in which the records' copy lies while a backup is made."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a backup: its name there, and the folder or file of the box that it is.

    `key` is where the configuration names it, "" for what it does not name.
    """

    name: str
    path: Path
    is_folder: bool
    key: str = ""


def pieces(settings: Settings, config: Path) -> tuple[Piece, ...]:
    """List the pieces, the state first; what lies in the state folder comes with that."""
    state = Path(settings.folders.state).absolute()
    given = (
        *named(settings),
        Piece(CONSOLE_TLS, Path(settings.folders.console) / "tls", is_folder=True),
        Piece(CONFIG, config, is_folder=False),
    )
    apart = [
        Piece(piece.name, piece.path.absolute(), piece.is_folder, piece.key)
        for piece in given
        if not piece.path.absolute().is_relative_to(state)
    ]
    return (Piece(STATE, state, is_folder=True), *apart)


def named(settings: Settings) -> tuple[Piece, ...]:
    """List the files and folders that the configuration names, each with its key there."""
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
        ("backup-passphrase", "backup.passphrase_file", settings.backup.passphrase_file),
        *_profiles(settings),
    )
    prompts = Piece(PROMPTS, Path(settings.folders.prompts), is_folder=True, key="folders.prompts")
    found = (prompts, *(Piece(name, Path(path), False, key) for name, key, path in files))
    return tuple(piece for piece in found if piece.path != Path())


def missing(settings: Settings) -> tuple[Piece, ...]:
    """List what the configuration names and is not on this box, or is empty.

    What lies in a folder that is closed to this account is taken to be there.
    """
    return tuple(piece for piece in named(settings) if _is_missing(piece))


def _is_missing(piece: Piece) -> bool:
    try:
        found = piece.path.stat()
    except PermissionError:
        return False
    except OSError:
        return True
    return stat.S_ISDIR(found.st_mode) is not piece.is_folder or found.st_size == 0


def _profiles(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the modems' profiles, one of two lines once."""
    paths = dict.fromkeys(line.profile for line in settings.lines if line.profile)
    for number, path in enumerate(paths, 1):
        yield f"profile-{number}", "lines.profile", path


def contents(piece: Piece) -> Iterator[tuple[str, Path]]:
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
    """Leave out what is nobody's, and the records: those are copied by SQLite itself."""
    names = {parent.as_posix() for parent in (inner, *inner.parents)}
    return (
        bool(names & LEFT_OUT)
        or inner.parts[0].startswith((OWN_COPY, *APART))
        or inner.suffix in {".tmp", ".copy"}
        or inner.as_posix().startswith(database_path(Path()).name)
    )
