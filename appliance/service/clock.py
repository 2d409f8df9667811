"""Clock: whether the time can be trusted, corrections by people, the battery clock."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import re
import stat
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.errors import CentralinoError
from appliance.files import atomic_write
from appliance.policy.clock import (
    EARLIEST_WALL,
    HOLDOVER_S,
    LATEST_WALL,
    SET_WITHIN_S,
    ClockReading,
    ClockState,
    ClockSteps,
    ClockStretch,
    ClockTrust,
    clock_confirmed,
)
from appliance.policy.clock import look_at_clock as looked
from appliance.policy.text import Refused, os_error_words
from appliance.store import privacy

if TYPE_CHECKING:
    from appliance.store.writer import DatabaseWriter


DEVICE: Final = Path("/dev/rtc0")
RTC_SET_TIME: Final = 0x4024_700A
"""_IOW('p', 0x0a, struct rtc_time), 36 bytes (include/uapi/linux/rtc.h), wherever _IOC is generic:
arm and x86, of 32 and 64 bits.
"""


def packed(wall: float) -> bytes:
    """Write a time (s since 1970) as the kernel's struct rtc_time, in UTC, to the nearest second.

    Nine ints as C's struct tm; days of week and year and summer time the drivers work out alone.
    """
    at = time.gmtime(round(wall))
    day = (at.tm_mday, at.tm_mon - 1, at.tm_year - 1900)
    return struct.pack("=9i", at.tm_sec, at.tm_min, at.tm_hour, *day, 0, 0, 0)


def set_battery(wall: float, device: Path = DEVICE) -> bool:
    """Set it to a time (s since 1970); False where there is none. Raises OSError, as from ioctl."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.ioctl(descriptor, RTC_SET_TIME, packed(wall))
    finally:
        os.close(descriptor)
    return True


# Call control itself may not set it (ProtectClock). What lies there is somebody else's for the
# helper: a plain file, of one line, with a time that can be, asked for within the last minute.

NAME: Final = "set"
OLD_S: Final = 60.0
"""A request that lay there for longer is not carried out: somebody has looked away since."""
_SIZE_LIMIT: Final = 64
_LINE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) (\d{1,12}(?:\.\d{1,6})?)\n?")


def folder_of(run: Path) -> Path:
    """Say where call control puts its request, below its run folder."""
    return run / "clock"


def ask(folder: Path, wall: float, monotonic: float) -> None:
    """Ask for a time (s since 1970) that is right at a running time; raises TechnicianError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / NAME, f"{wall:.3f} {monotonic:.3f}\n", is_durable=False)
    except OSError as error:
        raise Refused(
            f"l'orologio non si può regolare: {os_error_words(error).it}",
            f"the clock cannot be set: {error}",
        ) from error


def is_waiting(folder: Path) -> bool:
    """Tell whether nobody has taken the last request."""
    return (folder / NAME).exists()


def take(folder: Path, monotonic: float) -> float:
    """Take the request away; returns the time (s since 1970) that it is now.

    Raises TechnicianError for none, for one that is old, and for a time that cannot be.
    """
    match = _LINE.fullmatch(_contents(folder))
    if match is None:
        raise Refused(
            "nessuno ha richiesto un'ora: usare la pagina Ora, o timedatectl",
            "nobody has asked for a time: use the page Time, or timedatectl",
        )
    wall, asked_at = float(match[1]), float(match[2])
    if not 0 <= monotonic - asked_at <= OLD_S:
        raise Refused(
            "l'ora è stata richiesta da troppo tempo: richiederla di nuovo",
            "the time was asked for too long ago: ask again",
        )
    now = wall + monotonic - asked_at
    if not EARLIEST_WALL <= now <= LATEST_WALL:
        raise Refused(
            "quell'anno non è possibile: nulla è stato regolato",
            "that year cannot be: nothing is set",
        )
    return now


def _contents(folder: Path) -> str:
    """Read and remove the request; nothing is followed, nothing but a plain file is opened."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inside = os.open(folder, flags | os.O_DIRECTORY)
    except OSError:
        return ""
    try:
        text = _read(inside, flags | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            os.unlink(NAME, dir_fd=inside)
    finally:
        os.close(inside)
    return text


def _read(inside: int, flags: int) -> str:
    try:
        descriptor = os.open(NAME, flags, dir_fd=inside)
    except OSError:
        return ""
    try:
        plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, _SIZE_LIMIT).decode("ascii", "replace") if plain else ""
    finally:
        os.close(descriptor)


# What is known of it since power came is kept in the run folder, which is memory: a desk that is
# started anew goes on from there, and a box that is goes on from nothing.

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

    def seen(self) -> ClockReading:
        """Look."""
        monotonic, wall = self.monotonic(), self.wall()
        return ClockReading(monotonic, wall, self._sync_age(wall), self._has_battery(wall))

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
        return EARLIEST_WALL <= says <= LATEST_WALL and abs(says - wall) <= SET_WITHIN_S


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
    def trust(self) -> ClockTrust:
        """What is known of the clock, as of the last look."""
        return self._trust

    @property
    def steps(self) -> ClockSteps:
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
        self._take(clock_confirmed(self._trust, self._sources.seen()))
        self._look(self._sources.seen())
        return self._trust.state

    def want(self, wall: float) -> None:
        """Take a time (s since 1970) for right once the clock has it: somebody is setting it."""
        self._take(replace(self._trust, wanted=wall - self._sources.monotonic()))

    def _look(self, seen: ClockReading) -> None:
        self._look_at, self._offset = seen.monotonic + LOOK_S, seen.offset
        trust = looked(self._trust, seen, self._holdover_s)
        self._steps = self._steps.know(seen) if trust.synced_once else self._steps.see(seen)
        self._take(trust)

    def _take(self, trust: ClockTrust) -> None:
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

    def _remembered(self) -> tuple[ClockTrust, ClockSteps]:
        """Read what an earlier run since power-on knew; empty if absent."""
        try:
            kept = json.loads((self._memory or Path()).read_text(encoding="utf-8"))
            if not self.machine_boot or kept["boot"] != self.machine_boot:
                return ClockTrust(), ClockSteps()
            trust = ClockTrust(**{**kept["trust"], "state": ClockState(kept["trust"]["state"])})
            stretches = tuple(ClockStretch(*each) for each in kept["stretches"])
            return trust, ClockSteps(stretches, kept["known_at"])
        except (OSError, ValueError, KeyError, TypeError):
            return ClockTrust(), ClockSteps()


def _said(trust: ClockTrust) -> str:
    return f"{trust.state} (it has jumped by more than a day)" if trust.jumped else trust.state


def _worth_keeping(before: ClockTrust, trust: ClockTrust) -> bool:
    """Tell whether more has changed than a steered clock's offset, or one more confirmation."""
    moved = abs((trust.anchor or 0.0) - (before.anchor or 0.0)) > SET_WITHIN_S
    aged = abs((trust.since or 0.0) - (before.since or 0.0)) > SET_WITHIN_S
    return (
        moved
        or aged
        or replace(trust, anchor=None, since=None) != replace(before, anchor=None, since=None)
    )


AGAIN_S: Final = 10.0
"""A call that went on meanwhile is put right once it is over."""


class ClockCorrection:
    """Looks when it is due; `look` is called by the main loop and never waits."""

    def __init__(self, records: DatabaseWriter, clock: ClockWatch) -> None:
        self._records = records
        self._clock = clock
        self._look_at: float | None = 0.0

    def begin(self) -> None:
        """Note where this start of the machine begins, before anything else is written."""
        boot = self._clock.machine_boot
        if not boot:
            self._look_at = None
            return
        self._records.do(lambda c: privacy.begin(c, boot), _begun)

    def look(self, monotonic: float) -> None:
        """Have it done, unless the clock is not known yet or all is done."""
        steps = self._clock.steps
        if self._look_at is None or monotonic < self._look_at or steps.known_at is None:
            return
        self._look_at = None
        boot = self._clock.machine_boot

        def done(result: int | CentralinoError) -> None:
            if isinstance(result, CentralinoError):
                log.warning("times were not put right, and are tried again: %s", result)
            if result:
                self._look_at = monotonic + AGAIN_S

        self._records.do(lambda c: privacy.correct(c, boot, steps), done)


def _begun(result: CentralinoError | None) -> None:
    if isinstance(result, CentralinoError):
        log.warning("times of before the clock is known will not be put right: %s", result)
