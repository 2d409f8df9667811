"""F1, F2, F4: the power goes at any moment of voicemail traffic (reliability.md 7).

A real ext4 on a logged disk; at each cut every write since the last flush is kept, lost or torn.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.disk import Request, crash_states, logged_disk, mounted, read_log
from tests.faults.needs import require
from tests.faults.verdict import Told, Violations, read_acks, violations
from tests.faults.workload import LIMITS
from tests.helpers.figures import Figures
from tests.voicemail.box import Box

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 12
STATES = 40
"""Of the disk, in the short run; `make long` has 300, of two seeds."""
ENDED = frozenset({"stored", "closed", "requested"})
SPEAKING = frozenset({"synced"})
"""What is told at the end of a call, and while somebody speaks."""
NOWHERE: frozenset[str] = frozenset()


@pytest.fixture(autouse=True)
def _needed() -> None:
    require("nbdkit", "nbdfuse", "fusermount3", "mkfs.ext4", "losetup", root=True)


def record_traffic(
    folder: Path, bug: str, how: str = "threads"
) -> tuple[list[Request], list[Told]]:
    """Run the workload on a logged disk; return the requests and what callers were told.

    Without threads ("inline") every second of sound is brought to the disk as it comes.
    """
    with logged_disk(folder) as (mount, log):
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "tests.faults.workload",
            mount,
            folder / "acks",
            log,
        ]
        subprocess.run([*command, "1", str(MESSAGES), bug, how], check=True, cwd=ROOT, timeout=60)
        contents = log.read_bytes()
    return read_log(contents), read_acks(folder / "acks")


def judge(
    folder: Path, bug: str, count: int, seed: int, behind: frozenset[str] = NOWHERE
) -> Violations:
    """Cut the power at `count` places, or just behind acknowledgements of these kinds."""
    requests, told = record_traffic(folder, bug, "inline" if behind == SPEAKING else "threads")
    ready = next(t.position for t in told if t.kind == "ready")
    assert sum(t.kind == "closed" for t in told) == MESSAGES
    points = [i for i, r in enumerate(requests) if r.end > ready]
    if behind:
        said = [t.position for t in told if t.kind in behind]
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


def test_no_power_cut_breaks_a_promise(in_memory: Path, figures: Figures) -> None:
    """F1, F2, F4: what a caller was told is stored is stored, byte for byte, with its caller; all
    else is whole or absent; what was spoken up to the last sync is there; starting again is safe.
    """
    found = judge(in_memory, "none", STATES, seed=7)
    figures.say(f"F1 power cut, {STATES} states of the disk: {found.total()} broken promises")
    assert found == {}


@pytest.mark.parametrize(
    ("bug", "sign"),
    [
        ("no_fsync", "sound"),
        ("acknowledge_early", "a stored message"),
        ("request_early", "a request that was taken"),
        ("write_in_place", "a half message visible in new/"),
        ("wal_normal", "a closed message is open again"),
    ],
)
def test_the_rig_sees_a_planted_bug(in_memory: Path, figures: Figures, bug: str, sign: str) -> None:
    """A protocol that is wrong in one place is caught: the rig can fail."""
    found = judge(in_memory, bug, MESSAGES, seed=7, behind=ENDED)
    figures.say(f"F1 planted bug {bug}, {MESSAGES} states: {found.total()} broken promises")
    assert any(sign in violation for violation in found), found


@pytest.mark.parametrize(
    ("bug", "signs"), [("none", []), ("no_fsync", ["sound that had reached the disk is lost"])]
)
def test_a_power_cut_while_somebody_speaks(
    in_memory: Path, figures: Figures, bug: str, signs: list[str]
) -> None:
    """F4: cut as soon as it is told that so much of a message is on the disk: that much is there,
    with its caller; a recorder that brings nothing to the disk is caught.
    """
    found = judge(in_memory, bug, MESSAGES, seed=7, behind=SPEAKING)
    said = "power cut" if bug == "none" else f"planted bug {bug}"
    figures.say(f"F4 {said}, {MESSAGES} states in messages: {found.total()} broken promises")
    assert [sign for sign in signs if sign not in found] == []
    assert signs or found == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12])
def test_no_power_cut_breaks_a_promise_at_length(
    in_memory: Path, figures: Figures, seed: int
) -> None:
    """F1 as it is asked for: 300 states, two seeds."""
    found = judge(in_memory, "none", 300, seed)
    figures.say(f"F1 power cut, 300 states, seed {seed}: {found.total()} broken promises")
    assert found == {}


# --- the power goes again while the box starts on what the first cut left ------------------------


def cut_again(folder: Path, image: Path, told: list[Told], cuts: int, seed: int) -> Violations:
    """Start on what a power cut left, cut that start short at some places, and judge each."""
    folder.mkdir()
    before = image.read_bytes()
    with logged_disk(folder, image) as (mount, log):
        box = Box(mount, LIMITS, boot=50).start()
        box.settle()
        box.stop()
        requests = read_log(log.read_bytes())
    points = sorted(random.Random(seed).sample(range(len(requests)), min(cuts, len(requests))))
    found = Violations()
    for _ in crash_states(requests, points, folder / "again.img", seed, before):
        with mounted(folder / "again.img", folder / "cut") as root:
            found.update(violations(root, told))
    return found


def judge_twice(folder: Path, firsts: int, cuts: int, seed: int) -> Violations:
    """Cut the power at `firsts` places, and each following start at `cuts` places."""
    requests, told = record_traffic(folder, "none")
    ready = next(t.position for t in told if t.kind == "ready")
    points = [i for i, r in enumerate(requests) if r.end > ready]
    points = sorted(random.Random(seed).sample(points, firsts))
    found = Violations()
    image = folder / "crash.img"
    for n, position in enumerate(crash_states(requests, points, image, seed)):
        known = [t for t in told if t.position <= position]
        found.update(cut_again(folder / f"again{n}", image, known, cuts, seed + n))
    return found


@pytest.mark.parametrize(("firsts", "cuts"), [(3, 8), pytest.param(6, 10, marks=pytest.mark.long)])
def test_a_power_cut_in_the_recovery_breaks_no_promise(
    in_memory: Path, figures: Figures, firsts: int, cuts: int
) -> None:
    """F2: the start after a power cut may be cut short anywhere, and the next one mends it."""
    found = judge_twice(in_memory, firsts, cuts, seed=3)
    states = f"{firsts * cuts} states"
    figures.say(f"F2 second cut in the recovery, {states}: {found.total()} broken promises")
    assert found == {}


def test_a_recovery_without_fsync_is_caught(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recovery that does not bring to the disk what it mends loses it at the next cut."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _descriptor: None)
    found = judge_twice(in_memory, 3, 8, seed=3)
    assert any("sound" in violation for violation in found), found
