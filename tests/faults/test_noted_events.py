"""F3: killed as events are noted for the broker: there with what they tell of, or neither is."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.faults.fleet_workload import Broken, bring, broken
from tests.faults.inject import ROOT, each, everywhere, injecting
from tests.faults.needs import require
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
CASES = [("fdatasync", 6, 2), ("pwrite64", 30, 11), ("ftruncate", 2, 1), ("write", 2, 1)]
"""System calls, how many uses of each the run has at least, each how-manieth is tried."""
AT_LENGTH = [(call, at_least) for call, at_least, step in CASES if step > 1]
"""What is tried at each use."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leave records of one run before."""
    require("strace")
    root = tmp_path_factory.mktemp("base")
    bring(root, 1, "none")
    assert broken(root) == {}
    return root


def kill_at(base: Path, folder: Path, bug: str, call: str, nth: int) -> Broken | None:
    """Kill at the n-th use of a call and judge what is left; None when the run came to its end."""
    root = folder / f"{call}-{nth}"
    shutil.copytree(base, root)
    words = [sys.executable, "-m", "tests.faults.fleet_workload", str(root), "2", bug]
    strace = injecting(call, "signal=SIGKILL", str(nth))
    done = subprocess.run([*strace, *words], cwd=ROOT, timeout=60, capture_output=True, check=False)
    if done.returncode == 0:
        return None
    assert done.returncode == -signal.SIGKILL, done.stderr
    return broken(root)


@pytest.mark.parametrize(("call", "at_least", "step"), CASES)
def test_an_event_is_there_with_what_it_tells_of(
    base: Path, in_memory: Path, figures: Figures, call: str, at_least: int, step: int
) -> None:
    """F3, B5: a call's end, a message, a request, a lost line and its event are on the disk
    together or not at all, each once; also after the next start has closed what was open.
    """
    points, found = everywhere(partial(kill_at, base, in_memory, "none", call), step)
    figures.say(
        f"F3 killed at {each(step)} of {points} uses of {call} as events are noted: "
        f"{found.total()} without what they tell of, lost or doubled"
    )
    assert found == {}
    assert points > at_least - step  # else nothing was tried


@pytest.mark.long
@pytest.mark.parametrize(("call", "at_least"), AT_LENGTH)
def test_an_event_is_there_with_what_it_tells_of_at_length(
    base: Path, in_memory: Path, figures: Figures, call: str, at_least: int
) -> None:
    """F3 at each single use."""
    test_an_event_is_there_with_what_it_tells_of(
        base, in_memory, figures, call, at_least=at_least, step=1
    )


def test_the_rig_sees_an_event_that_is_kept_apart(base: Path, in_memory: Path) -> None:
    """An event that follows its call in a transaction of its own is caught: the rig can fail."""
    sign = "what call_ended tells of without its event"
    attempt = partial(kill_at, base, in_memory, "apart", "fdatasync")
    assert everywhere(attempt, sign=sign)[1][sign] > 0
