"""The sound of the house's name (prompt `welcome`): whether it is the office's own, or made here.

What is made here is named in a file beside it, with the sound's digest: a sound with another digest
is one that the office has recorded, which is never spoken over.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from appliance.daemon.spoken import path_of
from appliance.files import SHARED, atomic_write
from appliance.prompts import voices

KEY: Final = voices.NAME
MADE: Final = voices.NAME_NOTE


def said_by(name: str) -> str:
    """Return the sentence that names a house."""
    return f"{name.strip().rstrip('.')}."


def is_missing(folder: Path, site: Path | None, name: str, language: str) -> bool:
    """Tell whether the name is to be given a voice: none is there, or ours says another name."""
    if site is not None and path_of(site, language, KEY).exists():
        return False
    digest = _digest(path_of(folder, language, KEY))
    made = _made(folder)
    is_own = bool(digest) and digest != made.get("sound")
    return not is_own and (not digest or made.get("said") != said_by(name))


def note(folder: Path, name: str, language: str) -> None:
    """Remember that the sound that lies there was made here, of this name."""
    digest = _digest(path_of(folder, language, KEY))
    atomic_write(folder / MADE, json.dumps({"said": said_by(name), "sound": digest}), mode=SHARED)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def _made(folder: Path) -> dict[str, str]:
    """Read what was made here; what cannot be read was not."""
    try:
        read = json.loads((folder / MADE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
