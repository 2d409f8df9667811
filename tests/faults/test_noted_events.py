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
from tests.faults.inject import ROOT, everywhere, injecting
from tests.faults.needs import require
from tests.helpers.figures import Figures

pytestmark = pytest.mark.system
POINTS = {"fdatasync": 6, "pwrite64": 30, "ftruncate": 2, "write": 2}
"""System calls and how many uses of each the run has at least."""


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


@pytest.mark.parametrize(("call", "at_least"), POINTS.items())
def test_an_event_is_there_with_what_it_tells_of(
    base: Path, tmp_path: Path, figures: Figures, call: str, at_least: int
) -> None:
    """F3, B5: a call's end, a message, a request, a lost line and its event are on the disk
    together or not at all, each once; also after the next start has closed what was open.
    """
    points, found = everywhere(partial(kill_at, base, tmp_path, "none", call))
    figures.say(
        f"F3 killed at each of {points} uses of {call} as events are noted: {found.total()} "
        "without what they tell of, lost or doubled"
    )
    assert found == {}
    assert points >= at_least  # else nothing was tried


def test_the_rig_sees_an_event_that_is_kept_apart(base: Path, tmp_path: Path) -> None:
    """An event that follows its call in a transaction of its own is caught: the rig can fail."""
    found = everywhere(partial(kill_at, base, tmp_path, "apart", "fdatasync"))[1]
    assert found["what call_ended tells of without its event"] > 0
