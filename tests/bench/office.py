"""The boxes that are measured: real processes on a simulated exchange, everything captured."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import ports
from tests.helpers.box import Box

DLE = 0x10
MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path(tempfile.gettempdir())
NO_SYS_NICE = ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", "--")
"""util-linux: what is started by it may not ask for real time (capabilities(7))."""


@dataclass
class BenchBox(Box):
    """A box with so many lines and operators, phones speaking mu-law as the modems do.

    The last `silent_lines` lines are of an exchange that sends no caller identity.
    """

    silent_lines: int = 0
    captured: ports.Ports = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.laws = ("ulaw",)
        self.operators = tuple(f"op{n}" for n in range(1, max(1, self.lines) + 1))
        self.options = ("--capture", str(self.capture_path))

    @property
    def capture_path(self) -> Path:
        """Where the exchange writes every byte with its time: in memory, where it may.

        A disk that is busy would hold up the exchange, which is the ruler here.
        """
        return MEMORY / f"{self.folder.parent.name}-{self.folder.name}.capture"

    @property
    def gateway(self) -> int:
        """The media gateway's process id: call control's first child."""
        return self.processes()[1]

    def __exit__(self, kind: type[BaseException] | None, *what: object) -> None:
        try:
            super().__exit__(kind, *what)
            if self.capture_path.exists():
                self.captured = ports.read(self.capture_path)
        finally:
            self.capture_path.unlink(missing_ok=True)

    @property
    def ruler_late_ms(self) -> float:
        """How late the exchange's own clock has been at worst; known when the box was left."""
        return float(str(self.exchange.report["worst_lateness_ms"]))

    def _configuration(self) -> str:
        text = super()._configuration()
        for number in range(self.lines - self.silent_lines + 1, self.lines + 1):
            port = f'/lines/line{number}"\n'
            text = text.replace(port, f'{port}caller_id = "none"\n')
        return text


def noise(seconds: float, seed: int) -> bytes:
    """Mu-law sound in which every stretch is different and no byte needs shielding."""
    choice = [byte for byte in range(256) if byte != DLE]
    return bytes(random.Random(seed).choices(choice, k=int(seconds * 8000)))
