"""F3: the process is killed at every system call that changes the disk (reliability.md 2, R2).

All of voicemail's and the records' code runs in one thread, so that the n-th call is the same call
each time; the run begins on a disk that needs recovery, so that this is killed as well.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.faults.needs import require
from tests.faults.verdict import Violations, read_acks, violations

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
POINTS = {
    "fsync": 16,
    "fdatasync": 5,
    "rename": 5,
    "unlink": 3,
    "ftruncate": 2,
    "write": 5,
    "pwrite64": 25,
}
"""System calls and how many uses of each the run has at least."""


@pytest.fixture(autouse=True)
def _needed() -> None:
    require("strace")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave a disk with three messages, one without its row, and an unfinished recording."""
    root = tmp_path_factory.mktemp("base")
    assert run_workload(root, root / "acks", "none", first=1, last=3) == 0
    with closing(sqlite3.connect(root / "centralino.db")) as db, db:
        db.execute("DELETE FROM messages WHERE id = 'id-c1'")
    told = (root / "acks").read_text().splitlines(keepends=True)
    (root / "acks").write_text("".join(t for t in told if '"closed", "c1"' not in t))
    assert sorted(path.name for path in (root / "voicemail" / "rec").iterdir()) == [
        "id-long1.meta", "id-long1.part",
    ]  # fmt: skip
    return root


def run_workload(
    root: Path, acks: Path, bug: str, first: int = 4, last: int = 4, strace: list[str] | None = None
) -> int:
    """Run the workload inline, under strace where asked; return its status."""
    command = [sys.executable, "-m", "tests.faults.workload", str(root), str(acks), "-"]
    command += [str(first), str(last), bug, "inline"]
    done = subprocess.run(
        [*(strace or []), *command], cwd=ROOT, timeout=60, capture_output=True, check=False
    )
    return done.returncode


def kill_at(base: Path, folder: Path, bug: str, point: tuple[str, int]) -> Violations | None:
    """Kill at the n-th use of a call and judge what is left; None when the run came to its end."""
    call, nth = point
    root = folder / f"{call}-{nth}"
    shutil.copytree(base, root)
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    strace += ["-e", f"inject={call}:signal=SIGKILL:when={nth}"]
    status = run_workload(root, root / "acks", bug, strace=strace)
    if status == 0:
        return None
    assert status == -signal.SIGKILL
    return violations(root, read_acks(root / "acks"))


def kill_everywhere(base: Path, folder: Path, bug: str, call: str) -> tuple[int, Violations]:
    """Kill at the first, second, ... use of a call until a run ends by itself; two at a time."""
    total, nth = Violations(), 1
    with ThreadPoolExecutor(2) as pool:
        while True:
            points = [(call, nth), (call, nth + 1)]
            for found in pool.map(partial(kill_at, base, folder, bug), points):
                if found is None:
                    return nth - 1, total
                total.update(found)
                nth += 1


@pytest.mark.parametrize(("call", "at_least"), POINTS.items())
def test_no_kill_breaks_a_promise(base: Path, tmp_path: Path, call: str, at_least: int) -> None:
    """F3: after a kill at any system call what was told is there, all else is whole or absent, and
    the next start mends the rest.
    """
    points, found = kill_everywhere(base, tmp_path, "none", call)
    assert found == {}
    assert points >= at_least  # else nothing was tried


@pytest.mark.parametrize(
    ("bug", "call", "sign"),
    [
        ("acknowledge_early", "fsync", "a stored message is flagged as interrupted"),
        ("request_early", "fsync", "a request that was taken has no row, or two"),
        ("write_in_place", "fsync", "a half message visible in new/"),
    ],
)
def test_the_rig_sees_a_planted_bug(
    base: Path, tmp_path: Path, bug: str, call: str, sign: str
) -> None:
    """A protocol that is wrong in one place is caught: the rig can fail."""
    assert kill_everywhere(base, tmp_path, bug, call)[1][sign] > 0
