"""The demonstration's console: a child of it, on a free port of this computer, without TLS."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.policy.text import Refused

OPEN_AT: Final = "the console is open at "
READY_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0


@contextlib.contextmanager
def opened(folder: Path, config: Path) -> Iterator[str]:
    """Run the console beside the desk; yields the address that a browser opens.

    Raises TechnicianError when it does not open.
    """
    journal = folder / "console.log"
    command = [sys.executable, "-m", "appliance", "console", "--http", "--port", "0"]
    with journal.open("w", encoding="utf-8") as log:
        child = subprocess.Popen([*command, "--config", str(config)], stdout=log, stderr=log)
    try:
        yield _address(child, journal)
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_LIMIT_S)
        child.kill()
        child.wait()


def _address(child: subprocess.Popen[bytes], journal: Path) -> str:
    """Wait until the console says where it is open."""
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        _, found, rest = journal.read_text(encoding="utf-8").partition(OPEN_AT)
        if found and rest.endswith("\n"):
            return rest.split()[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise Refused(
        f"la console non si è aperta: il motivo è in {journal}",
        f"the console did not open; {journal} says why",
    )
