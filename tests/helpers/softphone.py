"""What soft phones of the tests share: a process, its own folder, a port, something to say."""

from __future__ import annotations

import array
import math
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


def tone(path: Path, seconds: int = 120, hertz: int = 440, peak: int = 4000) -> Path:
    """Write a sine as an 8 kHz WAV file (little-endian machines), one second repeated."""
    one = array.array(
        "h", (round(peak * math.sin(math.tau * hertz * n / 8000)) for n in range(8000))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(one.tobytes() * seconds)
    return path


@dataclass(kw_only=True)
class SoftPhone:
    """A phone that is a process: started and stopped politely by its make's own ways."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """True from its start to its end."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Write the configuration and start."""
        raise NotImplementedError

    def stop(self) -> None:
        """End politely."""
        raise NotImplementedError

    def kill(self) -> None:
        """Take its power away: nothing is said to anybody."""
        if self._process and self.is_running:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
