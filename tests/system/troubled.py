"""A box with a trouble on three of its four lines and in its announcements."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.errors import OfficeError
from appliance.simulator.exchange import process
from tests.helpers.box import Box
from tests.system.notices import Notices

HOLDER = """
import fcntl, os, sys
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
sys.stdin.read()
"""
EXTRA = """\
prompts = "{folder}/prompts"
[[lines]]
name = "line4"
label = "L4"
dialect = "conexant"
port = "{folder}/lines/line4"
"""


@dataclass
class Troubled(Box):
    """Line 2's port is another program's, line 3's modem is mute, line 4's is not there; the
    office's own greeting is no sound.
    """

    lines: int = 3
    line: str = 'caller_id = "none"\n'
    notices: Notices = field(default_factory=Notices)
    started: float = 0.0

    def start(self, ready: bool = True) -> None:
        """Bring the troubles about, once, then start."""
        if not (self.folder / "prompts").exists():
            greeting = self.folder / "prompts" / "it" / "greeting_closed.wav"
            greeting.parent.mkdir(parents=True)
            greeting.write_bytes(b"RIFF\x00\x00\x00\x00WAVEthis is no sound")
            self._stack.enter_context(held(self.folder / "lines" / "line2"))
            process.set_line(self.folder / "lines", 3, wedged=True)
        self.started = time.monotonic()
        super().start(ready)

    def is_idle(self) -> bool:
        """Tell whether the daemon has said that it is ready and the good line is idle."""
        with contextlib.suppress(OfficeError):
            is_ready = max(self.notices.times("READY=1"), default=0.0) > self.started
            return is_ready and self.line_state(1)[0] == "idle"
        return False

    def line_state(self, number: int) -> tuple[str, str]:
        """Return a line's state and why it is so."""
        found = next(x for x in self.status()["lines"] if x["name"] == f"line{number}")
        return found["state"], found["why"]["en"]


@contextlib.contextmanager
def held(port: Path) -> Iterator[int]:
    """Let another process have a port."""
    command = [sys.executable, "-c", HOLDER, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.kill()
