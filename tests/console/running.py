"""A whole box with its console: exchange, daemon, media gateway, console; all real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tests.helpers.box import Box

OPEN_AT: Final = "the console is open at "
STOP_S: Final = 15.0


@dataclass
class Running:
    """A box, and where a browser finds its console."""

    box: Box
    home: str
    console: subprocess.Popen[bytes]

    @property
    def log_path(self) -> Path:
        """The daemon's journal, whose end is shown where a test fails."""
        return self.box.log_path


@contextlib.contextmanager
def running(folder: Path, console: str = "", **options: Any) -> Iterator[Running]:
    """Start a box and its console over TLS; `console` adds lines to [console], `options` to Box.

    `extra` of the options begins with keys of [folders], as everywhere.
    """
    own = f'console = "{folder}/console"\n'
    table = f'[console]\nlisten = "127.0.0.1"\nredirect_port = 0\n{console}\n'
    extra = own + options.pop("extra", "") + "\n" + table
    with Box(folder, extra=extra, **options) as box, open_console(box) as (process, home):
        yield Running(box, home, process)


@contextlib.contextmanager
def open_console(
    box: Box, environment: Mapping[str, str] = MappingProxyType({}), port: int = 0
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the console of a box, on a free port unless named; yields process and address."""
    command = [sys.executable, "-m", "appliance", "console", "--port", str(port)]
    log_path = box.folder / "console.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--config", str(box.config_path)],
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
        )
    try:
        yield process, _address(box, process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(box: Box, process: subprocess.Popen[bytes], log_path: Path) -> str:
    """Wait until the console says where it is open."""

    def said() -> str:
        text = log_path.read_text(encoding="utf-8")
        assert process.poll() is None, f"the console ended:\n{text}"
        return text

    box.wait_until(lambda: OPEN_AT in said(), 30.0, "the console did not open")
    return said().split(OPEN_AT)[1].split()[0]
