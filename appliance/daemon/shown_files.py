"""What of the state folder the console may read: it has an account of its own.

All that the desk writes is for its own account alone, but for what is named here. What a programme
of before has left otherwise, or an old backup has brought, is opened at the start.
"""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING, Final

from appliance.api import speech
from appliance.daemon.backup_places import MADE
from appliance.daemon.central_place import bundle_folder as central_of
from appliance.files import SHARED
from appliance.voicemail.storage import Folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENTERED: Final = 0o750


def open_to_console(state: Path) -> None:
    """Let the console read what its pages show, and nothing beside; what is so already is left."""
    for path in shown(state):
        with contextlib.suppress(OSError):  # erased meanwhile, or another's
            found = path.lstat()
            wanted = ENTERED if stat.S_ISDIR(found.st_mode) else SHARED
            if not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) != wanted:
                path.chmod(wanted)


def shown(state: Path) -> Iterator[Path]:
    """Yield messages, announcements and their drafts, the head office's settings, and the backup
    that was asked for in a browser; the records' rights are seen to where they are opened.
    """
    messages = Folders(state / "voicemail")
    yield from (messages.root, messages.new, *messages.new.glob("*.wav"))
    for folder in (speech.speech_folder(state), speech.drafts_of(state), central_of(state)):
        yield from (folder, *folder.rglob("*"))
    yield from ((state / MADE).parent, state / MADE)
