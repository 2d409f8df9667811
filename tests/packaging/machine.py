"""A machine of its own: a Debian root whose first process is systemd, in namespaces."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

FIRST_PROCESS = Path(__file__).with_name("first_process.sh")
NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup")
BOOT_LIMIT_S = 240.0
LOOK_AGAIN_S = 0.2


class Machine:
    """Boots on entering, is gone with all it wrote on leaving; `root` itself stays as it is.

    With `network` it has the network of the machine around it, for apt; else its own loopback.
    """

    def __init__(self, root: Path, network: bool = False) -> None:
        self._root = root
        self._namespaces = tuple(n for n in NAMESPACES if n != "--net" or not network)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        layer, self._log = folder / "layer", folder / "log"
        layer.mkdir()
        command = ("unshare", *self._namespaces, "--fork", "--kill-child=KILL", str(FIRST_PROCESS))
        with self._log.open("wb") as log:
            self._outer = subprocess.Popen(
                (*command, str(self._root), str(layer)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._stack.callback(self._end)
        try:
            wait("systemd has started", self._is_up, BOOT_LIMIT_S)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._outer.kill()
        self._outer.wait()

    def ended(self) -> bool:
        """Tell whether its first process is gone: it has halted, or asked for a new start."""
        return self._outer.poll() is not None

    def _is_up(self) -> bool:
        if self._outer.poll() is not None:
            raise AssertionError(f"it did not boot:\n{self._log.read_text(errors='replace')}")
        if not self._first():
            return False
        return self.says("systemctl", "is-system-running") in {"running", "degraded"}

    def _first(self) -> str:
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        return children.read_text(encoding="ascii").strip()

    def try_(
        self, *words: str, stdin: str = "", limit: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine, as root; its status may be any."""
        inside = ("nsenter", "--target", self._first(), *self._namespaces, "--", *words)
        return subprocess.run(inside, input=stdin, capture_output=True, text=True, timeout=limit)

    def says(self, *words: str) -> str:
        """Return what a command prints, whatever its status."""
        return self.try_(*words).stdout.strip()

    def run(self, *words: str, stdin: str = "", limit: float = 120.0) -> str:
        """Return what a command prints; one that fails is an AssertionError with all its words."""
        done = self.try_(*words, stdin=stdin, limit=limit)
        told = f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """Write a file as root."""
        self.run("sh", "-c", f"cat > '{path}'", stdin=text)

    def bring(self, file: Path) -> str:
        """Copy a file into the machine's /root and return its place there."""
        place = f"/root/{file.name}"
        inside = (
            "nsenter",
            "--target",
            self._first(),
            *NAMESPACES,
            "--",
            "cp",
            "/dev/stdin",
            place,
        )
        with file.open("rb") as source:
            subprocess.run(inside, stdin=source, check=True)
        return place


def wait(what: str, is_so: Callable[[], Any], limit_s: float = 30.0) -> Any:
    """Wait until something is so and return it; raises TimeoutError with `what`."""
    end = time.monotonic() + limit_s
    while not (found := is_so()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {limit_s:.0f} s")
        time.sleep(LOOK_AGAIN_S)
    return found
