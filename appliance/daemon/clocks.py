"""How far the wall clock can be trusted (reliability.md 6): policy is told with each Now.

What is known of it since power came is kept in the run folder, which is memory: a desk that is
started anew goes on from there, and a box that is goes on from nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.files import atomic_write
from appliance.policy.clock import (
    BUILT,
    HOLDOVER_S,
    LAST,
    NEAR_S,
    ClockState,
    Seen,
    Steps,
    Stretch,
    Trust,
    confirmed,
)
from appliance.policy.clock import look as looked

log = logging.getLogger(__name__)

TIMESYNCD = Path("/run/systemd/timesync")
"""systemd-timesyncd touches `synchronized` in it at each synchronisation of this boot."""
BATTERY = Path("/sys/class/rtc/rtc0/since_epoch")
"""What a clock with a battery says, in s since 1970 (Linux, rtc-class)."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
LOOK_S = 1.0
SET_S = 0.5
"""A clock that has moved by more than this between two questions is looked at at once."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the clock is looked up; a machine without timesyncd (a workstation) is trusted."""

    timesyncd: Path = TIMESYNCD
    battery: Path = BATTERY
    boot: Path = BOOT
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def seen(self) -> Seen:
        """Look."""
        monotonic, wall = self.monotonic(), self.wall()
        return Seen(monotonic, wall, self._sync_age(wall), self._has_battery(wall))

    def boot_id(self) -> str:
        """Say which start of the machine this is; "" where nobody knows."""
        try:
            return self.boot.read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def _sync_age(self, wall: float) -> float | None:
        if not self.timesyncd.exists():
            return 0.0
        try:
            return wall - (self.timesyncd / "synchronized").stat().st_mtime
        except OSError:
            return None

    def _has_battery(self, wall: float) -> bool:
        try:
            says = float(self.battery.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return False
        return BUILT <= says <= LAST and abs(says - wall) <= NEAR_S


class ClockWatch:
    """Looks at the clock once a second, and at once when it was set."""

    def __init__(
        self,
        memory: Path | None = None,
        holdover_s: float = HOLDOVER_S,
        sources: Sources | None = None,
    ) -> None:
        self._memory = memory
        self._holdover_s = holdover_s
        self._sources = sources or Sources()
        self.machine_boot = self._sources.boot_id()
        self._trust, self._steps = self._remembered()
        self._kept = (self._trust, self._steps)
        self._look_at = float("-inf")
        self._offset = 0.0

    @property
    def trust(self) -> Trust:
        """What is known of the clock, as of the last look."""
        return self._trust

    @property
    def steps(self) -> Steps:
        """How the clock was set since power came."""
        return self._steps

    def state(self) -> ClockState:
        """Return how far it can be trusted."""
        monotonic, wall = self._sources.monotonic(), self._sources.wall()
        if monotonic >= self._look_at or abs(wall - monotonic - self._offset) > SET_S:
            self._look(self._sources.seen())
        return self._trust.state

    def confirm(self) -> ClockState:
        """Take the time for right: a person says so. Returns the state after it."""
        self._take(confirmed(self._trust, self._sources.seen()))
        self._look(self._sources.seen())
        return self._trust.state

    def want(self, wall: float) -> None:
        """Take a time (s since 1970) for right once the clock has it: somebody is setting it."""
        self._take(replace(self._trust, wanted=wall - self._sources.monotonic()))

    def _look(self, seen: Seen) -> None:
        self._look_at, self._offset = seen.monotonic + LOOK_S, seen.offset
        trust = looked(self._trust, seen, self._holdover_s)
        self._steps = self._steps.know(seen) if trust.synced_once else self._steps.see(seen)
        self._take(trust)

    def _take(self, trust: Trust) -> None:
        if trust.state is not self._trust.state:
            level = logging.INFO if trust.state.is_trusted else logging.WARNING
            log.log(level, "the clock is %s, it was %s", _said(trust), _said(self._trust))
        self._trust = trust
        if _worth_keeping(self._kept[0], trust) or self._kept[1] != self._steps:
            self._keep()

    def _keep(self) -> None:
        self._kept = (self._trust, self._steps)
        if self._memory is None:
            return
        kept = {
            "boot": self.machine_boot,
            "trust": dataclasses.asdict(self._trust),
            "stretches": [dataclasses.astuple(each) for each in self._steps.stretches],
            "known_at": self._steps.known_at,
        }
        with contextlib.suppress(OSError):  # it is looked at anew after a restart
            atomic_write(self._memory, json.dumps(kept), is_durable=False)

    def _remembered(self) -> tuple[Trust, Steps]:
        """Read what an earlier desk has known since power came; nothing where that is not there."""
        try:
            kept = json.loads((self._memory or Path()).read_text(encoding="utf-8"))
            if not self.machine_boot or kept["boot"] != self.machine_boot:
                return Trust(), Steps()
            trust = Trust(**{**kept["trust"], "state": ClockState(kept["trust"]["state"])})
            stretches = tuple(Stretch(*each) for each in kept["stretches"])
            return trust, Steps(stretches, kept["known_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return Trust(), Steps()


def _said(trust: Trust) -> str:
    return f"{trust.state} (it has jumped by more than a day)" if trust.jumped else trust.state


def _worth_keeping(before: Trust, trust: Trust) -> bool:
    """Tell whether more has changed than a steered clock's offset, or one more confirmation."""
    moved = abs((trust.anchor or 0.0) - (before.anchor or 0.0)) > NEAR_S
    aged = abs((trust.since or 0.0) - (before.since or 0.0)) > NEAR_S
    return (
        moved
        or aged
        or replace(trust, anchor=None, since=None) != replace(before, anchor=None, since=None)
    )
