"""How a restore that a technician asks for in the browser passes to root's helper, and back.

One small file each way, in /run. The request lies in a folder of the desk's, whom root does not
trust: it names nobody's file, only a passphrase; which file that is the configuration says. The
answer lies in a folder of root's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.daemon import run_files
from appliance.files import READABLE, atomic_write
from appliance.policy.words import Words

REQUEST: Final = "restore-asked"
ANSWER: Final = "answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and the passphrase of the uploaded backup."""

    by: str
    passphrase: str


@dataclass(frozen=True, slots=True)
class Went:
    """What became of a restore: by whom it was asked for ("" after a power cut), and when."""

    at: datetime
    by: str
    is_well: bool
    said: Words


def request_path(run: Path) -> Path:
    """Say where the desk puts its request: centralino-restore.path waits for it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Say where the helper answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-restore") / ANSWER


def ask(run: Path, asked: Asked) -> None:
    """Put a request, for the desk's account and root alone; raises OSError."""
    told = json.dumps({"by": asked.by, "passphrase": asked.passphrase})
    atomic_write(request_path(run), told, is_durable=False)


def is_waiting(run: Path) -> bool:
    """Tell whether a request lies there; one that nobody takes is taken away."""
    return run_files.is_waiting(request_path(run))


def take(run: Path) -> Asked | None:
    """Take a request away and read it; None where there is none, or what lies there is none."""
    text = run_files.taken(request_path(run))
    return None if text is None else _asked(text)


def tell(run: Path, went: Went) -> None:
    """Keep what became of it, readable by the desk; raises OSError."""
    path = answer_path(run)
    path.parent.mkdir(mode=0o755, exist_ok=True)
    told = {
        "at": went.at.isoformat(),
        "by": went.by,
        "well": went.is_well,
        "it": went.said.it,
        "en": went.said.en,
    }
    atomic_write(path, json.dumps(told), mode=READABLE, is_durable=False)


def went(run: Path) -> Went | None:
    """Read what became of the last one since the box was switched on."""
    try:
        told = json.loads(answer_path(run).read_text(encoding="utf-8"))
        said = Words(str(told["it"]), str(told["en"]))
        return Went(datetime.fromisoformat(told["at"]), str(told["by"]), told["well"] is True, said)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _asked(text: bytes) -> Asked | None:
    try:
        told = json.loads(text)
        return Asked(str(told["by"])[:64], str(told["passphrase"]))
    except (ValueError, LookupError, TypeError):
        return None
