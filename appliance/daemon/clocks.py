"""How far the wall clock can be trusted (reliability.md 6): policy is told with each Now."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from appliance.policy.clock import ClockState

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
"""Before this product was made no clock can be right."""
TIMESYNCD = Path("/run/systemd/timesync")
"""systemd-timesyncd touches `synchronized` in it at each synchronisation of this boot."""


class ClockWatch:
    """Looks at timesyncd's flag; a machine without timesyncd (a workstation) is trusted."""

    def __init__(self, folder: Path = TIMESYNCD, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._synced = False

    def state(self) -> ClockState:
        """Return the state; one that was synchronised in this boot is trusted from then on."""
        if self._synced:
            return ClockState.SYNCED
        if self._clock() < EARLIEST:
            return ClockState.UNSET
        if not self._folder.exists() or (self._folder / "synchronized").exists():
            self._synced = True
            return ClockState.SYNCED
        return ClockState.STALE
