"""The code by which the first user of all is made: in a file of the state folder, until then."""

from __future__ import annotations

import logging
import re
import secrets
from pathlib import Path
from typing import Final

from appliance.files import atomic_write, load_text
from appliance.policy.text import NOTHING, Words

log = logging.getLogger(__name__)

FILE: Final = "first-user-code.txt"
ALPHABET: Final = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""No letter that is read for a digit: the code is copied from paper or another screen."""
GROUPS, GROUP = 3, 4
"""59 bits: a thousand tries a second for ten years find one code in a million."""


def code_path(state: Path) -> Path:
    """Say where the code lies."""
    return state / FILE


def keep_code(state: Path, *, is_wanted: bool) -> None:
    """Have a code there while there is no user, and none afterwards; raises OSError."""
    path = code_path(state)
    if not is_wanted:
        path.unlink(missing_ok=True)
    elif not plain(load_text(path)):
        atomic_write(path, _new_code() + "\n")
        log.warning("no user yet: the code for the first one is in %s", path)


def is_code(state: Path, code: str) -> bool:
    """Tell whether it is the code, however it is written; without a file none is right."""
    kept, given = plain(load_text(code_path(state))), plain(code)
    return bool(kept) and secrets.compare_digest(kept, given)


def plain(code: str) -> str:
    """Return a code without the marks and the case in which it was written."""
    return re.sub(r"[^A-Z0-9]", "", code.upper())


def wanted(state: Path) -> Words:
    """Say that nobody can log in yet and what to do; nothing once there is a user."""
    path = code_path(state)
    try:
        if not path.exists():
            return NOTHING
    except OSError:  # not for whoever asks to see
        return NOTHING
    return Words(
        f"la console non ha ancora utenti: creare il primo con il codice in {path}",
        f"the console has no user yet: make the first one with the code in {path}",
    )


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)
