"""How a restore that a technician asks for in the browser passes to root's helper, and back.

Which file that is the configuration says (daemon/run_files.py tells of the two files between them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.daemon import run_files
from appliance.daemon.run_files import Asked, Went

if TYPE_CHECKING:
    from pathlib import Path

REQUEST: Final = "restore-asked"
ANSWER: Final = "answer"


def request_path(run: Path) -> Path:
    """Say where the desk puts its request: centralino-restore.path waits for it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Say where the helper answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-restore") / ANSWER


def ask(run: Path, asked: Asked) -> None:
    """Put a request; raises OSError."""
    run_files.ask(request_path(run), asked)


def is_waiting(run: Path) -> bool:
    """Tell whether a request lies there; one that nobody takes is taken away."""
    return run_files.is_waiting(request_path(run))


def take(run: Path) -> Asked | None:
    """Take a request away and read it; None where there is none, or what lies there is none."""
    return run_files.take(request_path(run))


def tell(run: Path, went: Went) -> None:
    """Keep what became of it, readable by the desk; raises OSError."""
    run_files.tell(answer_path(run), went)


def went(run: Path) -> Went | None:
    """Read what became of the last one since the box was switched on."""
    return run_files.went(answer_path(run))
