"""Which voice says our announcements in a language: a recorded one, or the box's own.

What the box says itself (the house's name, a written notice, spoken sheets) is heard in its own
voice. As delivered it then says everything in that language, so that a caller hears one person.
What an office has recorded stays, whichever voice is chosen.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from appliance.files import SHARED, atomic_write
from appliance.prompts import DEVICE

NAME, NAME_NOTE = "welcome", "welcome.json"
"""The sound of the house's name; beside it what was made here, with the sound's digest."""
SAID_NOTE: Final = "said.json"
"""The digests of the notices that were made of text, by name ("it/privacy")."""
MENU: Final = "menu.json"
"""The sheets that are offered to callers, each in its language."""


class Voice(enum.StrEnum):
    """What an office may choose (site.voice)."""

    AUTO = "auto"
    SHIPPED = "shipped"
    DEVICE = "device"


def device_languages(
    folder: Path, site: Path | None, voice: str, languages: Iterable[str]
) -> tuple[str, ...]:
    """Return the languages in which our announcements are heard in the box's own voice.

    `folder` holds what was made here, `site` what the technician has recorded.
    """
    able = tuple(language for language in languages if (DEVICE / language).is_dir())
    match voice:
        case Voice.SHIPPED:
            return ()
        case Voice.DEVICE:
            return able
        case _:
            return tuple(each for each in able if _says_something(folder, site, each))


def note_said(folder: Path, language: str, key: str) -> None:
    """Remember that the notice that lies there was made of text."""
    name = f"{language}/{key}"
    noted = {**_read(folder / SAID_NOTE), name: _digest(folder / f"{name}.wav")}
    there = {each: digest for each, digest in noted.items() if (folder / f"{each}.wav").exists()}
    text = json.dumps(there, ensure_ascii=False, sort_keys=True)
    atomic_write(folder / SAID_NOTE, text, mode=SHARED)


def _says_something(folder: Path, site: Path | None, language: str) -> bool:
    """Tell whether callers hear anything in a language that the box says itself."""
    if any(row.get("language") == language for row in _rows(folder / MENU)):
        return True
    digests = {
        f"{language}/{NAME}": _read(folder / NAME_NOTE).get("sound", ""),
        **_read(folder / SAID_NOTE),
    }
    return any(
        digest and digest == _digest(folder / f"{name}.wav")
        for name, digest in digests.items()
        if name.startswith(f"{language}/") and not (site and (site / f"{name}.wav").exists())
    )


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read(path: Path) -> dict[str, Any]:
    """Read an object of JSON; what cannot be read says nothing."""
    found = _json(path)
    return found if isinstance(found, dict) else {}


def _rows(path: Path) -> list[dict[str, Any]]:
    found = _json(path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
