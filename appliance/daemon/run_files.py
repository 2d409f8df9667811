"""Small files in /run by which the desk asks a helper of root's: taken, never followed."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from appliance.files import open_plain

if TYPE_CHECKING:
    from pathlib import Path

LIMIT: Final = 4096
UNTAKEN_S: Final = 60.0
"""A helper that is there takes a request at once; one that nobody takes must not stay for ever."""


def is_waiting(path: Path) -> bool:
    """Tell whether a request lies there; one that nobody takes is taken away."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    if age > UNTAKEN_S:
        path.unlink(missing_ok=True)
    return age <= UNTAKEN_S


def taken(path: Path) -> bytes | None:
    """Take a request away and return what it holds; None where there is none.

    Nothing is followed and nothing but a plain file is read: the folder is somebody else's.
    """
    try:
        with open_plain(path) as file:
            return file.read(LIMIT)
    except OSError:
        return None
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
