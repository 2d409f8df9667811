"""F1, F2, F4: the power goes at any moment of voicemail traffic (reliability.md 7).

A real ext4 on a logged disk; at each cut every write since the last flush is kept, lost or torn.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disk import Request, crash_states, logged_disk, mounted, read_log
from tests.faults.needs import require
from tests.faults.verdict import Told, Violations, read_acks, violations

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 12


@pytest.fixture(autouse=True)
def _needed() -> None:
    require("nbdkit", "nbdfuse", "fusermount3", "mkfs.ext4", "losetup", root=True)


def record_traffic(folder: Path, bug: str) -> tuple[list[Request], list[Told]]:
    """Run the workload on a logged disk; return the requests and what callers were told."""
    with logged_disk(folder) as (mount, log):
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.faults.workload",
            mount,
            folder / "acks",
            log,
        ]
        subprocess.run(
            [*command, "1", str(MESSAGES), bug, "threads"], check=True, cwd=ROOT, timeout=60
        )
        contents = log.read_bytes()
    return read_log(contents), read_acks(folder / "acks")


def judge(folder: Path, bug: str, count: int, seed: int, telling: bool = False) -> Violations:
    """Cut the power at `count` places; `telling` ones lie just behind an acknowledgement."""
    requests, told = record_traffic(folder, bug)
    ready = next(t.position for t in told if t.kind == "ready")
    assert sum(t.kind == "closed" for t in told) == MESSAGES
    points = [i for i, r in enumerate(requests) if r.end > ready]
    if telling:
        said = [t.position for t in told if t.kind in {"stored", "closed"}]
        points = sorted(
            {max([i for i in points if requests[i].end <= p], default=points[0]) for p in said}
        )
    points = sorted(random.Random(seed).sample(points, min(count, len(points))))
    found = Violations()
    for position in crash_states(requests, points, folder / "crash.img", seed):
        with mounted(folder / "crash.img", folder / "crashed") as root:
            found.update(violations(root, [t for t in told if t.position <= position]))
    assert len(points) >= min(count, MESSAGES)
    return found


def test_no_power_cut_breaks_a_promise(tmp_path: Path) -> None:
    """F1, F2, F4: what a caller was told is stored is stored, byte for byte, with its caller; all
    else is whole or absent; what was spoken up to the last sync is there; starting again is safe.
    """
    assert judge(tmp_path, "none", 110, seed=7) == {}


@pytest.mark.parametrize(
    ("bug", "sign"),
    [
        ("no_fsync", "sound"),
        ("acknowledge_early", "a stored message"),
        ("wal_normal", "a closed message is open again"),
    ],
)
def test_the_rig_sees_a_planted_bug(tmp_path: Path, bug: str, sign: str) -> None:
    """A protocol that is wrong in one place is caught: the rig can fail."""
    found = judge(tmp_path, bug, 2 * MESSAGES, seed=7, telling=True)
    assert any(sign in violation for violation in found), found


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12])
def test_no_power_cut_breaks_a_promise_at_length(tmp_path: Path, seed: int) -> None:
    """F1 as it is asked for: 300 states, two seeds."""
    assert judge(tmp_path, "none", 300, seed) == {}
