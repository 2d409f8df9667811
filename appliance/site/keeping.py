"""What the box keeps of the card's file, in a folder of root's own: one file, whole or not at all.

It holds the text that is in force, by which a file is known that has changed. It is no part of a
backup: a restored configuration on a new card is not undone by what that card says.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from appliance.files import atomic_write

NAME: Final = "site.json"
BEFORE: Final = "before.toml"
"""A configuration that somebody had changed by hand, set aside when the card's took its place."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The file's `text`; the digest of the configuration `made` of it; where its lines are, and
    whether it `waits` for modems; the tables whose `passwords` are kept; the phones whose password
    the box makes (`unsaid`).
    """

    text: str = ""
    made: str = ""
    ports: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    is_blank: bool = False
    passwords: list[str] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


def load(folder: Path) -> Kept | None:
    """Read what is kept; None for nothing, or nothing that can be read."""
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
        kept = Kept(**data)
        same = {key: type(value) for key, value in asdict(Kept()).items()}
        is_whole = all(type(getattr(kept, key)) is kind for key, kind in same.items())
    except (OSError, ValueError, TypeError):
        return None
    return kept if is_whole else None


def save(folder: Path, kept: Kept) -> None:
    """Keep it; raises OSError, and then what was kept before still is."""
    atomic_write(folder / NAME, json.dumps(asdict(kept), ensure_ascii=False))


def digest(contents: bytes) -> str:
    """Return by what a configuration is known again."""
    return hashlib.sha256(contents).hexdigest()


def contents_of(path: Path) -> bytes:
    """Return what lies in a file, b"" for nothing that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
