"""Children that give way to calls: how a test waits for one on a busy machine."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Final

LIMIT_S: Final = 240.0


def wait_unhurried(child: subprocess.Popen[bytes], limit_s: float = LIMIT_S) -> int:
    """Wait for a job's child at the test's own priority; returns its status.

    At the job's own it gets a thirtieth of what each other test gets. Raises TimeoutExpired.
    """
    unhurried(child)
    return child.wait(limit_s)


def unhurried(child: subprocess.Popen[bytes]) -> None:
    """Give a job's child the test's own priority."""
    # Who is not root may not take niceness back, and waits longer.
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, child.pid, os.getpriority(os.PRIO_PROCESS, 0))
