"""Proof that a question comes from the box's own shell, and not from the console.

Both ask at the same door. Who can write into the desk's state folder is the administrator: a file
there, 0600, holds a word that the question repeats.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon.files import load_text
from appliance.daemon.phone_secrets import write_whole
from appliance.errors import OfficeError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "shell-proof"


@contextlib.contextmanager
def proof(state: Path) -> Iterator[str]:
    """Lay the word down, yield it, take it away; raises OfficeError without the right to."""
    word = secrets.token_hex(16)
    try:
        write_whole(state / FILE, word)
    except OSError as error:
        raise OfficeError(
            f"users are changed from the shell by the administrator alone: use sudo ({error})"
        ) from error
    try:
        yield word
    finally:
        (state / FILE).unlink(missing_ok=True)


def is_right(state: Path, word: object) -> bool:
    """Tell whether the word is the one that was laid down; reads the disk."""
    kept = load_text(state / FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())
