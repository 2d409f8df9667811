"""Something happens at the n-th use of a system call, n rising until a run ends undisturbed.

All of voicemail's and the records' code runs in one thread, so that the n-th call is the same call
each time; the run begins on a disk that needs recovery (reliability.md 2, R2).
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.faults.verdict import Violations

ROOT = Path(__file__).resolve().parents[2]


def leave_for_recovery(root: Path) -> None:
    """Leave a disk with three messages, one without its row, and an unfinished recording."""
    assert run_workload(root, "none", numbers=(1, 3)) == 0
    with closing(sqlite3.connect(root / "centralino.db")) as db, db:
        db.execute("DELETE FROM messages WHERE id = 'id-c1'")
    told = (root / "acks").read_text().splitlines(keepends=True)
    (root / "acks").write_text("".join(t for t in told if '"closed", "c1"' not in t))
    assert sorted(path.name for path in (root / "voicemail" / "rec").iterdir()) == [
        "id-long1.meta", "id-long1.part",
    ]  # fmt: skip


def injecting(call: str, what: str, when: str, trace: Path | str = "/dev/null") -> list[str]:
    """Return the strace command that does `what` at the uses of a call that `when` names."""
    traced = call if trace == "/dev/null" else f"{call},write"
    return [
        "strace", "-f", "-qq", "-s", "80", "-o", str(trace), "-e", f"trace={traced}",
        "-e", f"inject={call}:{what}:when={when}",
    ]  # fmt: skip


def run_workload(
    root: Path, bug: str, numbers: tuple[int, int] = (4, 4), strace: list[str] | None = None
) -> int:
    """Run the workload inline, under strace where asked; return its status."""
    command = [sys.executable, "-m", "tests.faults.workload", str(root), str(root / "acks"), "-"]
    command += [*map(str, numbers), bug, "inline"]
    done = subprocess.run(
        [*(strace or []), *command], cwd=ROOT, timeout=60, capture_output=True, check=False
    )
    return done.returncode


def each(step: int) -> str:
    """Say how many uses are tried."""
    return f"one in {step}" if step > 1 else "each"


def everywhere(
    attempt: Callable[[int], Violations | None], step: int = 1, sign: str = ""
) -> tuple[int, Violations]:
    """Try the first use of a call, then every `step`-th, until one was too many, or `sign` was
    found; two at a time.

    `attempt` returns what it found, None when the run came to its end undisturbed. Returns the last
    use that there was and that was tried, and all that was found.
    """
    total, nth = Violations(), 1
    with ThreadPoolExecutor(2) as pool:
        while not total[sign]:
            for found in pool.map(attempt, (nth, nth + step)):
                if found is None:
                    return nth - step, total
                total.update(found)
                nth += step
    return nth - step, total
