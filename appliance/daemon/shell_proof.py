"""Proof that a question comes from the box's own shell, and not from the console.

Both ask at the same door. Who can write into the desk's state folder is the administrator: a file
there, in a folder that the console's unit hides from it, holds a word that the question repeats.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.daemon.phone_secrets import write_whole
from appliance.files import load_text, make_private
from appliance.policy.supervision import why_not
from appliance.policy.text import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "private/shell-proof"


def prepare(state: Path) -> None:
    """Make the folder, as the desk: what root lays there is then the desk's; raises OSError."""
    make_private((state / FILE).parent)


@contextlib.contextmanager
def proof(state: Path) -> Iterator[str]:
    """Lay the word down, yield it, take it away; raises OfficeError without the right to."""
    word = secrets.token_hex(16)
    if not (state / FILE).parent.is_dir():
        raise Refused(
            "il centralino qui non è mai stato avviato: avviarlo una volta, poi riprovare",
            "the desk has never run here: start it first",
        )
    try:
        write_whole(state / FILE, word)
    except OSError as error:
        raise Refused(
            "dalla riga di comando questo spetta all'amministratore: usare sudo "
            f"({why_not(error).it})",
            f"from the shell this is for the administrator alone: use sudo ({error})",
        ) from error
    try:
        yield word
    finally:
        (state / FILE).unlink(missing_ok=True)


def is_right(state: Path, word: object) -> bool:
    """Tell whether the word is the one that was laid down; reads the disk."""
    kept = load_text(state / FILE).strip().strip('"')
    return bool(kept) and secrets.compare_digest(kept.encode(), str(word).encode())
