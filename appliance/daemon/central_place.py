"""Where the head office's settings lie in the state folder, and which of them are in force.

Each bundle has a folder of its own, named by its digest and never changed; one small file says
which folder holds. So a change is one rename. Read by whoever reads the configuration.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

FOLDER: Final = "central"
IN_FORCE: Final = "in_force"
PENDING: Final = "pending"
SCHEDULE: Final = "schedule.toml"
PROMPTS: Final = "prompts"
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def bundle_folder(state: Path) -> Path:
    """Say where the bundles lie below the state folder."""
    return state / FOLDER


def digest_in_force(state: Path) -> str:
    """Return the digest of the bundle whose folder holds, "" for none; raises OSError."""
    try:
        named = (
            (bundle_folder(state) / IN_FORCE).read_text(encoding="ascii", errors="replace").strip()
        )
    except FileNotFoundError:
        return ""
    return named if DIGEST.fullmatch(named) else ""


def in_force(state: Path) -> Path | None:
    """Return the folder that holds, None for none; what cannot be read is said in the journal.

    To whom the state folder is closed there is none: its own user sees it.
    """
    try:
        digest = digest_in_force(state)
        folder = bundle_folder(state) / digest
        if not digest:
            return None
        if folder.is_dir():
            return folder
    except OSError as error:
        log.warning("the central settings cannot be read: %s", error)
        return None
    log.error("the central settings in force are not there (%s): apply them again", folder)
    return None


def schedule_in_force(state: Path) -> str:
    """Return the text of the schedule that holds, "" for none."""
    folder = in_force(state)
    try:
        return (folder / SCHEDULE).read_text(encoding="utf-8") if folder else ""
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        log.error("the central schedule cannot be read (%s): apply it again", error)
        return ""


def prompts_in_force(state: Path) -> Path | None:
    """Return the folder of the announcements that hold, None for none."""
    folder = in_force(state)
    return folder / PROMPTS if folder else None
