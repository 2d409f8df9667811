"""Requests to root's helpers: one small file in /run each way, taken once."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.files import READABLE, atomic_write, load_text, open_plain
from appliance.policy.text import Words

UNTAKEN_S: Final = 60.0
"""A running helper takes a request at once; an untaken one must not stay for ever."""


@dataclass(frozen=True, slots=True)
class HelperRequest:
    """Who asks for something, and the passphrase that it takes, "" for none."""

    by: str = ""
    passphrase: str = ""


@dataclass(frozen=True, slots=True)
class HelperResult:
    """What became of a request since the appliance was switched on; `by` whom, "" for nobody."""

    at: datetime
    is_well: bool
    said: Words
    by: str = ""


def put_request(path: Path, asked: HelperRequest) -> None:
    """Write a request, readable by call control's account and root; raises OSError."""
    told = json.dumps({"by": asked.by, "passphrase": asked.passphrase})
    atomic_write(path, told, is_durable=False)


def take_request(path: Path) -> HelperRequest | None:
    """Take a request away and read it; None where there is none, or what lies there is none."""
    text = take_file(path)
    if text is None:
        return None
    try:
        told = json.loads(text)
        return HelperRequest(str(told["by"])[:64], str(told["passphrase"]))
    except (ValueError, LookupError, TypeError):
        return None


def write_result(path: Path, went: HelperResult) -> None:
    """Write the result, readable by call control; raises OSError."""
    path.parent.mkdir(mode=0o755, exist_ok=True)
    told = {
        "at": went.at.isoformat(),
        "by": went.by,
        "well": went.is_well,
        "it": went.said.it,
        "en": went.said.en,
    }
    atomic_write(path, json.dumps(told), mode=READABLE, is_durable=False)


def read_result(path: Path) -> HelperResult | None:
    """Read what became of the last request; None where there was none."""
    try:
        told = json.loads(load_text(path))
        said = Words(str(told["it"]), str(told["en"]))
        return HelperResult(
            datetime.fromisoformat(told["at"]), told["well"] is True, said, str(told["by"])
        )
    except (ValueError, LookupError, TypeError):
        return None


def request_is_waiting(path: Path) -> bool:
    """Tell whether a request waits; one untaken for UNTAKEN_S is deleted."""
    try:
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    if age > UNTAKEN_S:
        path.unlink(missing_ok=True)
    return age <= UNTAKEN_S


def take_file(path: Path) -> bytes | None:
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


LIMIT: Final = 4096
ANSWER: Final = "answer"
RESTORE_REQUEST: Final = "restore-asked"


def restore_request_path(run: Path) -> Path:
    """Say where call control puts its request: centralino-restore.path waits for it."""
    return run / RESTORE_REQUEST


def restore_answer_path(run: Path) -> Path:
    """Say where the helper answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-restore") / ANSWER


def ask_for_restore(run: Path, asked: HelperRequest) -> None:
    """Put a request; raises OSError."""
    put_request(restore_request_path(run), asked)


def restore_is_waiting(run: Path) -> bool:
    """Tell whether a request waits; one untaken for UNTAKEN_S is deleted."""
    return request_is_waiting(restore_request_path(run))


def take_restore(run: Path) -> HelperRequest | None:
    """Take a request away and read it; None where there is none, or what lies there is none."""
    return take_request(restore_request_path(run))


def tell_restore(run: Path, went: HelperResult) -> None:
    """Write the result, readable by call control; raises OSError."""
    write_result(restore_answer_path(run), went)


def restore_result(run: Path) -> HelperResult | None:
    """Read what became of the last one since the appliance was switched on."""
    return read_result(restore_answer_path(run))
