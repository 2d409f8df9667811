"""What belongs to a backup, and where each piece stands on the box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon.stores import database_path

if TYPE_CHECKING:
    from appliance.daemon.settings import Settings

STATE: Final = "state"
CONFIG: Final = "config"
PROMPTS: Final = "prompts"
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
    """One piece of a backup: its name there, and the folder or file of the box that it is."""

    name: str
    path: Path
    is_folder: bool


def pieces(settings: Settings, config: Path) -> tuple[Piece, ...]:
    """List the pieces, the state first; what lies in the state folder comes with that."""
    state = Path(settings.folders.state).absolute()
    given = (
        Piece(PROMPTS, Path(settings.folders.prompts), is_folder=True),
        Piece("mail-password", Path(settings.mail.password_file), is_folder=False),
        Piece("mail-ca", Path(settings.mail.ca_file), is_folder=False),
        Piece("mqtt-password", Path(settings.mqtt.password_file), is_folder=False),
        Piece("mqtt-ca", Path(settings.mqtt.ca_file), is_folder=False),
        Piece("mqtt-certificate", Path(settings.mqtt.certificate), is_folder=False),
        Piece("mqtt-key", Path(settings.mqtt.key), is_folder=False),
        *_profiles(settings),
        Piece(CONFIG, config, is_folder=False),
    )
    named = [piece for piece in given if piece.path != Path()]
    apart = [
        Piece(piece.name, piece.path.absolute(), piece.is_folder)
        for piece in named
        if not piece.path.absolute().is_relative_to(state)
    ]
    return (Piece(STATE, state, is_folder=True), *apart)


def _profiles(settings: Settings) -> Iterator[Piece]:
    """Yield the modems' profiles, one of two lines once."""
    paths = dict.fromkeys(line.profile for line in settings.lines if line.profile)
    for number, path in enumerate(paths, 1):
        yield Piece(f"profile-{number}", Path(path), is_folder=False)


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
