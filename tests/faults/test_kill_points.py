"""F3: the process is killed at every system call that changes the disk (reliability.md 2, R2)."""

from __future__ import annotations

import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.faults.inject import each, everywhere, injecting, leave_for_recovery, run_workload
from tests.faults.needs import require
from tests.faults.verdict import Violations, read_acks, violations
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
CASES = [
    ("fsync", 16, 3),
    ("fdatasync", 5, 2),
    ("rename", 5, 2),
    ("unlink", 3, 2),
    ("ftruncate", 2, 1),
    ("write", 5, 3),
    ("pwrite64", 25, 9),
]
"""System calls, how many uses of each the run has at least, each how-manieth is tried."""
AT_LENGTH = [(call, at_least) for call, at_least, step in CASES if step > 1]
"""What is tried at each use."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave a disk that needs recovery."""
    require("strace")
    root = tmp_path_factory.mktemp("base")
    leave_for_recovery(root)
    return root


def kill_at(base: Path, folder: Path, bug: str, call: str, nth: int) -> Violations | None:
    """Kill at the n-th use of a call and judge what is left; None when the run came to its end."""
    root = folder / f"{call}-{nth}"
    shutil.copytree(base, root)
    status = run_workload(root, bug, strace=injecting(call, "signal=SIGKILL", str(nth)))
    if status == 0:
        return None
    assert status == -signal.SIGKILL
    return violations(root, read_acks(root / "acks"))


@pytest.mark.parametrize(("call", "at_least", "step"), CASES)
def test_no_kill_breaks_a_promise(
    base: Path, in_memory: Path, figures: Figures, call: str, at_least: int, step: int
) -> None:
    """F3: after a kill at any system call what was told is there, all else is whole or absent, and
    the next start mends the rest.
    """
    points, found = everywhere(partial(kill_at, base, in_memory, "none", call), step)
    broken = f"{found.total()} broken promises"
    figures.say(f"F3 killed at {each(step)} of {points} uses of {call}: {broken}")
    assert found == {}
    assert points > at_least - step  # else nothing was tried


@pytest.mark.long
@pytest.mark.parametrize(("call", "at_least"), AT_LENGTH)
def test_no_kill_breaks_a_promise_at_length(
    base: Path, in_memory: Path, figures: Figures, call: str, at_least: int
) -> None:
    """F3 at each single use."""
    test_no_kill_breaks_a_promise(base, in_memory, figures, call, at_least=at_least, step=1)


@pytest.mark.parametrize(
    ("bug", "call", "sign"),
    [
        ("acknowledge_early", "fsync", "a stored message is flagged as interrupted"),
        ("request_early", "fsync", "a request that was taken has no row, or two"),
        ("write_in_place", "fsync", "a half message visible in new/"),
    ],
)
def test_the_rig_sees_a_planted_bug(
    base: Path, in_memory: Path, bug: str, call: str, sign: str
) -> None:
    """A protocol that is wrong in one place is caught: the rig can fail."""
    assert everywhere(partial(kill_at, base, in_memory, bug, call), sign=sign)[1][sign] > 0
