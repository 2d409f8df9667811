"""A clock that somebody else sets, for the daemon and its children alone (Debian's faketime).

Durations are left as they are (FAKETIME_DONT_FAKE_MONOTONIC): a jump is what NTP does to the wall
clock of a box without a battery (reliability.md 2, R7).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), Path())


@dataclass(frozen=True, slots=True)
class WallClock:
    """The wall clock of whoever is started with `environment`; `file` holds how far it is off."""

    file: Path

    def set(self, moment: datetime) -> None:
        """Let it be this moment now; the clock goes on from there."""
        self.shift_to(round(moment.timestamp() - time.time()))

    def shift_to(self, seconds: int) -> None:
        """Let it be off by so much; in one step, whoever reads at the moment."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.rename(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process must be started with."""
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
