"""Work done apart: its result comes back, its imports and leavings do not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from appliance import workers
from appliance.errors import ConfigurationError

NOT_IN_CALL_CONTROL = (
    "holidays", "phonenumbers", "appliance.config.read", "tomllib", "difflib",
    "prometheus_client",
)  # fmt: skip


def test_the_result_comes_back_and_nothing_else() -> None:
    """What the work leaves in memory stays in the child."""
    left: list[int] = []

    def work() -> tuple[str, int]:
        left.append(1)
        return "made", os.getpid()

    word, pid = workers.begin_in_child(work)()
    assert word == "made"
    assert pid != os.getpid()
    assert left == []


def test_a_result_larger_than_a_pipe_comes_back_whole() -> None:
    """The parent reads while the child writes."""
    assert workers.begin_in_child(lambda: "x" * 1_000_000)() == "x" * 1_000_000


def test_what_is_wrong_is_raised_here() -> None:
    """A mistake is told by the same sentence as if the work had been done here."""

    def work() -> None:
        raise ConfigurationError("site.patron is missing")

    with pytest.raises(ConfigurationError, match=r"site\.patron is missing"):
        workers.begin_in_child(work)()


def test_a_child_that_is_killed_costs_memory_only() -> None:
    """The work is done again, here."""
    parent = os.getpid()

    def work() -> str:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return "made here"

    assert workers.begin_in_child(work)() == "made here"


def test_call_control_imports_nothing_that_only_reads_its_configuration() -> None:
    """15 MB of libraries, used once, would stay for months."""
    look = (
        "import sys, appliance.commands.services, appliance.service.main, appliance.service.jobs;"
        f"print(*[name for name in {NOT_IN_CALL_CONTROL} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
