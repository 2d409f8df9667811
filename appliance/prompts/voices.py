"""Texts of the announcements, and their voice: the recorded one, or the box's own synthesiser.

Speech that is made on the box (the office's name, a written notice, spoken sheets) is in the box's
own voice. An office's own recordings stay, whichever voice is chosen.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.files import SHARED, atomic_write
from appliance.prompts import DEVICE, OURS, languages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


NAME_KEY, NAME_NOTE = "welcome", "welcome.json"
"""The sound of the office's name; beside it a note with the digest of the sound made here."""
SAID_NOTE: Final = "said.json"
"""Digests of the notices that were synthesised, by name ("it/privacy")."""
TEXTS_NOTE: Final = "said_texts.json"
"""Texts of those notices, to be compared with numbers that may not be told any more (P7)."""
MENU: Final = "menu.json"
"""The sheets that are offered to callers, each in its language."""


class PromptVoice(enum.StrEnum):
    """Choices of the voice (site.voice)."""

    AUTO = "auto"
    SHIPPED = "shipped"
    DEVICE = "device"


def device_languages(
    folder: Path, site: Path | None, voice: str, languages: Iterable[str]
) -> tuple[str, ...]:
    """Return the languages whose announcements are played in the box's own voice.

    `folder` holds sounds made on the box, `site` the technician's recordings.
    """
    able = tuple(language for language in languages if (DEVICE / language).is_dir())
    match voice:
        case PromptVoice.SHIPPED:
            return ()
        case PromptVoice.DEVICE:
            return able
        case _:
            # As delivered: once the box says anything itself in a language it says everything, so
            # that a caller hears one person.
            return tuple(each for each in able if _says_something(folder, site, each))


def note_said(folder: Path, language: str, key: str, text: str = "") -> None:
    """Note that a notice in `folder` was synthesised, by the digest of its sound, and its text."""
    name = f"{language}/{key}"
    noted = {**_read(folder / SAID_NOTE), name: _digest(folder / f"{name}.wav")}
    there = {each: digest for each, digest in noted.items() if (folder / f"{each}.wav").exists()}
    atomic_write(folder / SAID_NOTE, _note_of(there), mode=SHARED)
    written = {**_read(folder / TEXTS_NOTE), name: text}
    kept = {each: words for each, words in written.items() if each in there}
    atomic_write(folder / TEXTS_NOTE, _note_of(kept), mode=SHARED)


def said_texts(folder: Path) -> dict[str, str]:
    """Return the texts of the synthesised notices in force, by name ("it/privacy").

    The office's name ("it/welcome") is one of them.
    """
    noted, made = _read(folder / SAID_NOTE), _read(folder / NAME_NOTE)
    names = (f"{path.parent.name}/{NAME_KEY}" for path in folder.glob(f"*/{NAME_KEY}.wav"))
    said = [(name, made.get("said", ""), made.get("sound", "")) for name in names]
    said += [(name, text, noted.get(name, "")) for name, text in _read(folder / TEXTS_NOTE).items()]
    # A sound with another digest was recorded over the synthesised one since.
    return {
        name: str(text)
        for name, text, digest in said
        if digest == _digest(folder / f"{name}.wav") != ""
    }


def _note_of(rows: dict[str, Any]) -> str:
    return json.dumps(rows, ensure_ascii=False, sort_keys=True)


def _says_something(folder: Path, site: Path | None, language: str) -> bool:
    """Tell whether callers hear any speech made on the box in a language."""
    if any(row.get("language") == language for row in _rows(folder / MENU)):
        return True
    digests = {
        f"{language}/{NAME_KEY}": _read(folder / NAME_NOTE).get("sound", ""),
        **_read(folder / SAID_NOTE),
    }
    # A sound with another digest was recorded over the synthesised one since; a site's file is
    # played in its place.
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
    """Read a JSON object; an unreadable file counts as empty."""
    found = _json(path)
    return found if isinstance(found, dict) else {}


def _rows(path: Path) -> list[dict[str, Any]]:
    found = _json(path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Notes that cannot be read mean that nothing was synthesised: the recorded voice is used.
        return None


@functools.cache
def texts(language: str) -> Mapping[str, Mapping[str, str]]:
    """Return texts by kind ("sentence", "fragment", "tone") and key; empty for other languages."""
    if language not in languages():
        return {}
    return {
        kind: {key: _text(entry) for key, entry in entries.items()}
        for kind, entries in _text_tables(language).items()
    }


def _text_tables(language: str) -> Mapping[str, Any]:
    # Imported here: call control, which shares this module, reads no text.
    import tomllib

    return tomllib.loads((OURS / language / "texts.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class SpokenText:
    """Text of a key for a synthesiser: words, language; a fragment is followed by others."""

    say: str
    language: str
    is_fragment: bool


@functools.cache
def spoken_texts(language: str) -> Mapping[str, SpokenText]:
    """Return the spoken text of each key of a language; tones have none."""
    read = _text_tables(language)
    return {
        key: _spoken_text(entry, language, kind)
        for kind in ("sentence", "fragment")
        for key, entry in read[kind].items()
    }


def _spoken_text(entry: str | dict[str, str], language: str, kind: str) -> SpokenText:
    table = {"text": entry} if isinstance(entry, str) else entry
    say = table.get("say", table["text"])
    return SpokenText(say, table.get("language", language), kind == "fragment")


def _text(entry: str | dict[str, str]) -> str:
    return entry if isinstance(entry, str) else entry["text"]
