"""Requests to root's helpers: one small file in /run each way, taken once.

The request lies in call control's own folder, which root does not trust; the answer in root's.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.files import READABLE, atomic_write, load_text, open_plain
from appliance.text import Words, stored

# A running helper takes a request at once; one that nobody takes must not stay for ever.
UNTAKEN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class HelperRequest:
    """A request: the asking user, and the passphrase that the work needs, "" for none.

    Of the stick's helper also: the chosen file system's UUID, "" for the only one; or `looks`
    alone, for the list of plugged-in sticks.
    """

    # No path: the helper runs as root and must not open a file that call control names.

    by: str = ""
    passphrase: str = ""
    uuid: str = ""
    looks: bool = False


@dataclass(frozen=True, slots=True)
class HelperResult:
    """Result of a request since the appliance's start; `by` is the asking user, "" for none."""

    at: datetime
    is_well: bool
    said: Words
    by: str = ""


def put_request(path: Path, asked: HelperRequest) -> None:
    """Write a request, readable by call control's account and root; raises OSError."""
    # Not durable: /run is memory.
    atomic_write(path, json.dumps(asdict(asked)), is_durable=False)


def take_request(path: Path) -> HelperRequest | None:
    """Remove and return a request; None if absent or malformed."""
    text = take_file(path)
    if text is None:
        return None
    try:
        told = json.loads(text)
        uuid, looks = str(told.get("uuid", ""))[:64], told.get("looks") is True
        return HelperRequest(str(told["by"])[:64], str(told["passphrase"]), uuid, looks)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def write_result(path: Path, went: HelperResult) -> None:
    """Write the result, readable by call control; raises OSError."""
    path.parent.mkdir(mode=0o755, exist_ok=True)
    told = {
        "at": went.at.isoformat(),
        "by": went.by,
        "well": went.is_well,
        **went.said.by_language(),
    }
    atomic_write(path, json.dumps(told), mode=READABLE, is_durable=False)


def read_result(path: Path) -> HelperResult | None:
    """Read the result of the last request; None if absent or malformed."""
    try:
        told = json.loads(load_text(path))
        said = stored(told)
        return HelperResult(
            datetime.fromisoformat(told["at"]), told["well"] is True, said, str(told["by"])
        )
    except (ValueError, LookupError, TypeError):
        return None


def request_is_waiting(path: Path) -> bool:
    """Return whether a request waits; delete one that is older than UNTAKEN_S (s)."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    if age > UNTAKEN_S:
        path.unlink(missing_ok=True)
    return age <= UNTAKEN_S


def take_file(path: Path) -> bytes | None:
    """Remove a request file and return its contents; None if absent or no plain file."""
    # Another account owns the folder: a link or a pipe there must lead a root process nowhere.
    try:
        with open_plain(path) as file:
            return file.read(LIMIT)
    except OSError:
        return None
    finally:
        # Also after an error: a request is tried once.
        with contextlib.suppress(OSError):
            path.unlink()


LIMIT: Final = 4096
ANSWER: Final = "answer"
RESTORE_REQUEST: Final = "restore-asked"


def restore_request_path(run: Path) -> Path:
    """Return the path of a restore request, watched by centralino-request@restore.path."""
    return run / RESTORE_REQUEST


def restore_answer_path(run: Path) -> Path:
    """Return the path of the helper's answer: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-restore") / ANSWER


def ask_for_restore(run: Path, asked: HelperRequest) -> None:
    """Write a restore request; raises OSError."""
    put_request(restore_request_path(run), asked)


def restore_is_waiting(run: Path) -> bool:
    """Return whether a restore request waits; delete one that is older than UNTAKEN_S (s)."""
    return request_is_waiting(restore_request_path(run))


def take_restore(run: Path) -> HelperRequest | None:
    """Remove and return a restore request; None if absent or malformed."""
    return take_request(restore_request_path(run))


def tell_restore(run: Path, went: HelperResult) -> None:
    """Write a restore's result, readable by call control; raises OSError."""
    write_result(restore_answer_path(run), went)


def restore_result(run: Path) -> HelperResult | None:
    """Read the result of the last restore since the appliance's start."""
    return read_result(restore_answer_path(run))
