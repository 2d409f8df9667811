"""F5, F6: the disk refuses the n-th system call, once or for ever (reliability.md 2, R2).

SQLite's own loop (testing.html 3.2): fail the n-th, n rising until a run is clean, once "fail once"
and once "fail from then on"; then look at what callers were told.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.inject import each, everywhere, injecting, leave_for_recovery, run_workload
from tests.faults.needs import require
from tests.faults.verdict import Violations, read_acks, violations
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
LATE = "a caller was told after the disk had failed for good"
DIED = "the process did not come to its end"
NOBODY = "one failure, and nobody was served any more"
CASES = [
    ("fsync", "EIO", 20, 9),
    ("fdatasync", "EIO", 5, 4),
    ("pwrite64", "EIO", 90, 41),
    ("pwrite64", "ENOSPC", 90, 43),
    ("rename", "EIO", 5, 3),
    ("ftruncate", "EIO", 2, 2),
    ("unlink", "EIO", 3, 4),
]
"""System calls, how they fail, how many uses the run has at least, each how-manieth is tried."""
AT_LENGTH = [
    *((call, error, at_least) for call, error, at_least, _ in CASES),
    ("fsync", "ENOSPC", 20),
    ("fdatasync", "ENOSPC", 5),
    ("rename", "ENOSPC", 5),
    ("ftruncate", "ENOSPC", 2),
]
"""What is tried at each use."""
TOLD = ("fsync", "pwrite64", "rename")
"""Without these nothing can be stored: who is told so all the same was lied to."""

SAID = re.compile(r'"\[\\"(?:stored|requested)')
"""An acknowledgement as strace shows it."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave a disk that needs recovery."""
    require("strace")
    root = tmp_path_factory.mktemp("base")
    leave_for_recovery(root)
    return root


def after_the_failure(trace: Path) -> Iterator[str]:
    """Yield what the process did after the first call that was made to fail."""
    lines = iter(trace.read_text(errors="replace").splitlines())
    for line in lines:
        if "(INJECTED)" in line:
            yield from lines


def fail_at(
    base: Path, folder: Path, bug: str, call: str, error: str, ever: bool, nth: int
) -> Violations | None:
    """Let the n-th use of a call fail, and all later ones if `ever`; None when nothing failed."""
    root, trace = folder / f"{call}-{nth}", folder / f"{call}-{nth}.trace"
    shutil.copytree(base, root)
    strace = injecting(call, f"error={error}", f"{nth}+" if ever else str(nth), trace)
    status = run_workload(root, bug, (4, 4) if ever else (4, 5), strace)
    if "(INJECTED)" not in trace.read_text(errors="replace"):
        return None
    told = read_acks(root / "acks")
    found = violations(root, told)
    found[DIED] += status != 0
    if ever and call in TOLD:
        found[LATE] += sum(bool(SAID.search(line)) for line in after_the_failure(trace))
    if not ever:
        found[NOBODY] += not {"c4", "c5"} & {t.call for t in told if t.kind == "stored"}
    return +found


@pytest.mark.parametrize("ever", [False, True], ids=["once", "for-ever"])
@pytest.mark.parametrize(("call", "error", "at_least", "step"), CASES)
def test_no_failing_call_breaks_a_promise(
    base: Path,
    in_memory: Path,
    figures: Figures,
    call: str,
    error: str,
    at_least: int,
    step: int,
    ever: bool,
) -> None:
    """F5, F6: whoever was told "stored" has it, whole and once; nobody is told so when the disk has
    failed for good; the process lives, and after one failure the next caller is served.
    """
    attempt = partial(fail_at, base, in_memory, "none", call, error, ever)
    points, found = everywhere(attempt, step)
    how = "for ever from" if ever else "once at"
    broken = f"{found.total()} broken promises"
    figures.say(f"F5 {error} {how} {each(step)} of {points} uses of {call}: {broken}")
    assert found == {}
    assert points > at_least - step  # else nothing was tried


@pytest.mark.long
@pytest.mark.parametrize("ever", [False, True], ids=["once", "for-ever"])
@pytest.mark.parametrize(("call", "error", "at_least"), AT_LENGTH)
def test_no_failing_call_breaks_a_promise_at_length(
    base: Path, in_memory: Path, figures: Figures, call: str, error: str, at_least: int, ever: bool
) -> None:
    """F5, F6 at each single use, and a full disk at each call that may meet it."""
    test_no_failing_call_breaks_a_promise(
        base, in_memory, figures, call, error, at_least=at_least, step=1, ever=ever
    )


@pytest.mark.parametrize(
    ("call", "error", "ever", "sign"),
    [
        ("fsync", "EIO", True, LATE),
        ("pwrite64", "ENOSPC", False, "a stored message has another sound"),
    ],
)
def test_errors_that_are_ignored_are_caught(
    base: Path, in_memory: Path, call: str, error: str, ever: bool, sign: str
) -> None:
    """A program that does not look at what the disk said is seen: the rig can fail."""
    attempt = partial(fail_at, base, in_memory, "errors_ignored", call, error, ever)
    assert everywhere(attempt, 7 if call == "pwrite64" else 1, sign)[1][sign] > 0
