"""The clock: battery clock, requests to set it, whether it can be trusted, commands."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import logging
import os
import re
import sqlite3
import stat
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from appliance.api.protocol import (
    CommandHandlers,
    DeferredReply,
    Reply,
    command,
    deferred,
)
from appliance.api.replies import Said
from appliance.api.technician_commands import ConfirmClock, SetClock, ShowClock
from appliance.api.technician_replies import ClockReply
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
from appliance.policy.text import Refused, SaidError, os_error_words, technical_words
from appliance.store import database
from appliance.store.clock import correct_times, note_machine_start
from appliance.store.database import Noted, transaction
from appliance.text import Words, _

if TYPE_CHECKING:
    from appliance.api.call_control import CallControlAccess, StoreAccess
    from appliance.store.writer import DatabaseWriter


# ---- clock -------------------------------------------------------------------------------------
# Clock: whether the time can be trusted, corrections by people, the battery clock.

# The battery clock is set by the kernel's own ioctl: not every image has hwclock.

DEVICE: Final = Path("/dev/rtc0")
# _IOW('p', 0x0a, struct rtc_time), 36 bytes (include/uapi/linux/rtc.h), wherever _IOC is generic:
# arm and x86, 32 and 64 bits.
RTC_SET_TIME: Final = 0x4024_700A


def packed(wall: float) -> bytes:
    """Pack a time (s since 1970) as the kernel's struct rtc_time: UTC, the nearest second."""
    at = time.gmtime(round(wall))
    day = (at.tm_mday, at.tm_mon - 1, at.tm_year - 1900)
    # Nine ints as in C's struct tm; drivers compute weekday, day of year and summer time.
    return struct.pack("=9i", at.tm_sec, at.tm_min, at.tm_hour, *day, 0, 0, 0)


def set_battery(wall: float, device: Path = DEVICE) -> bool:
    """Set the battery clock (s since 1970); False without one. Raises OSError, as from ioctl."""
    try:
        descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.ioctl(descriptor, RTC_SET_TIME, packed(wall))
    finally:
        os.close(descriptor)
    return True


# Setting the time. Call control itself may not (ProtectClock): it writes a request that a helper
# takes. The helper trusts nothing of it: a plain file of one line, with a possible time that was
# requested within the last minute.

NAME: Final = "set"
# An older request is not carried out: whoever asked has looked away since.
OLD_S: Final = 60.0
_SIZE_LIMIT: Final = 64
_LINE: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) (\d{1,12}(?:\.\d{1,6})?)\n?")


def folder_of(run: Path) -> Path:
    """Return the folder of requests, below call control's run folder."""
    return run / "clock"


def ask_for_time(folder: Path, wall: float, monotonic: float) -> None:
    """Request that the clock show `wall` (s since 1970) at `monotonic` (s); raises Refused."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / NAME, f"{wall:.3f} {monotonic:.3f}\n", is_durable=False)
    except OSError as error:
        raise Refused(
            _(
                "the clock cannot be set: {error}",
                error=technical_words(error, os_error_words(error)),
            ),
        ) from error


def time_is_waiting(folder: Path) -> bool:
    """Return whether the last request was not taken yet."""
    return (folder / NAME).exists()


def take_time(folder: Path, monotonic: float) -> float:
    """Remove the request and return the present time by it (s since 1970).

    Raises Refused for none, an old one, or a year that cannot be.
    """
    match = _LINE.fullmatch(_contents(folder))
    if match is None:
        raise Refused(
            _("nobody has asked for a time: use the page Time, or timedatectl"),
        )
    wall, asked_at = float(match[1]), float(match[2])
    if not 0 <= monotonic - asked_at <= OLD_S:
        raise Refused(
            _("the time was asked for too long ago: ask again"),
        )
    # The time that has passed since the request is added.
    now = wall + monotonic - asked_at
    # A time before the programme was made, or far after, is refused (reference/reliability.md 6).
    if not EARLIEST_WALL <= now <= LATEST_WALL:
        raise Refused(
            _("that year cannot be: nothing is set"),
        )
    return now


def _contents(folder: Path) -> str:
    """Read and remove the request; "" if absent or no plain file."""
    # Another account owns the folder: no link is followed, and a pipe must not block the helper.
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


# Trust in the clock (reference/reliability.md 6). Its state is kept in the run folder, which is
# memory: a restarted call control goes on from there, a rebooted appliance from nothing.

log = logging.getLogger(__name__)

# systemd-timesyncd touches `synchronized` in it at each synchronisation of this boot.
TIMESYNCD = Path("/run/systemd/timesync")
# Time of a battery clock, in s since 1970 (Linux, rtc-class).
BATTERY = Path("/sys/class/rtc/rtc0/since_epoch")
BOOT = Path("/proc/sys/kernel/random/boot_id")
LOOK_S = 1.0
# A clock that has moved by more than this (s) between two readings is checked at once.
SET_S = 0.5


@dataclass(frozen=True, slots=True)
class Sources:
    """Files and functions that tell the time and its source."""

    timesyncd: Path = TIMESYNCD
    battery: Path = BATTERY
    boot: Path = BOOT
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def seen(self) -> ClockReading:
        """Read all sources once."""
        monotonic, wall = self.monotonic(), self.wall()
        return ClockReading(monotonic, wall, self._sync_age(wall), self._has_battery(wall))

    def boot_id(self) -> str:
        """Return the kernel's id of this boot, "" if unknown."""
        try:
            return self.boot.read_text(encoding="ascii").strip()
        except OSError:
            return ""

    def _sync_age(self, wall: float) -> float | None:
        # A machine without timesyncd (a workstation) is trusted.
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
        # A battery clock counts only where it agrees with the wall clock.
        return EARLIEST_WALL <= says <= LATEST_WALL and abs(says - wall) <= SET_WITHIN_S


class ClockWatch:
    """Trust in the wall clock, checked once a second and at once when the clock was set."""

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
        """Trust as of the last check."""
        return self._trust

    @property
    def steps(self) -> ClockSteps:
        """Steps of the clock since the power came."""
        return self._steps

    def state(self) -> ClockState:
        """Return how far the clock can be trusted now."""
        monotonic, wall = self._sources.monotonic(), self._sources.wall()
        # A jump shows in the difference of wall and monotonic time (reference/reliability.md 6).
        if monotonic >= self._look_at or abs(wall - monotonic - self._offset) > SET_S:
            self._look(self._sources.seen())
        return self._trust.state

    def confirm(self) -> ClockState:
        """Trust the present time because a person confirms it; return the new state."""
        self._take(clock_confirmed(self._trust, self._sources.seen()))
        self._look(self._sources.seen())
        return self._trust.state

    def want(self, wall: float) -> None:
        """Trust `wall` (s since 1970), which a person is setting, once the clock shows it."""
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
        # Without the file the clock is judged anew after a restart.
        with contextlib.suppress(OSError):
            atomic_write(self._memory, json.dumps(kept), is_durable=False)

    def _remembered(self) -> tuple[ClockTrust, ClockSteps]:
        """Read what an earlier run of this boot has kept; empty if absent or of another boot."""
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
    """Return whether more has changed than a steered clock's offset or one more confirmation."""
    moved = abs((trust.anchor or 0.0) - (before.anchor or 0.0)) > SET_WITHIN_S
    aged = abs((trust.since or 0.0) - (before.since or 0.0)) > SET_WITHIN_S
    return (
        moved
        or aged
        or replace(trust, anchor=None, since=None) != replace(before, anchor=None, since=None)
    )


# Seconds to the next try: the times of a call that is still up are corrected once it is over.
AGAIN_S: Final = 10.0


class ClockCorrection:
    """Correction of stored times once the clock is known; `look` never waits."""

    def __init__(self, records: DatabaseWriter, clock: ClockWatch) -> None:
        self._records = records
        self._clock = clock
        self._look_at: float | None = 0.0

    def begin(self) -> None:
        """Store where this boot begins; to be called before any other database job."""
        boot = self._clock.machine_boot
        # Without a boot id rows of this boot cannot be told apart: no correction.
        if not boot:
            self._look_at = None
            return
        self._records.do(lambda c: note_machine_start(c, boot), _begun)

    def look(self, monotonic: float) -> None:
        """Queue the correction once the clock is known, until all is corrected."""
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

        self._records.do(lambda c: correct_times(c, boot, steps), done)


def _begun(result: CentralinoError | None) -> None:
    if isinstance(result, CentralinoError):
        log.warning("times of before the clock is known will not be put right: %s", result)


# ---- clock -------------------------------------------------------------------------------------
# The clock: whether it is trusted, confirming it, setting it; both changes are audited.
#
# Call control has no right to set the system clock: centralino-helper@clock.service does it.

STATES: Final[Mapping[ClockState, Words]] = MappingProxyType({
    ClockState.SYNCED: _("confirmed by a time server"),
    ClockState.HOLDOVER: _("running by itself; it was confirmed"),
    ClockState.STALE: _("not confirmed since the power came, or for too long"),
    ClockState.UNSET: _("it cannot be: the clock is not set"),
})  # fmt: skip
JUMPED: Final = _(
    "the clock has jumped by more than a day: until somebody confirms it, it does not count"
)
NO_HELPER: Final = _(
    "nobody has set the clock: the technician has to start centralino-request@clock.path"
)
CONFIRMED: Final = _("The time is confirmed.")
BEING_SET: Final = _("The clock is being set: within seconds it shows here.")
CANNOT_BE: Final = _("That time cannot be right: give the date and time of now.")


@dataclass(frozen=True, slots=True)
class ClockCommands(CommandHandlers):
    """Commands of the deciding thread, the only one that uses the clock."""

    stores: StoreAccess
    call_control: CallControlAccess
    watch: ClockWatch
    run: Path

    @command(ShowClock)
    def asked(self, _: ShowClock) -> ClockReply:
        """Return the time, whether and since when it is trusted, and why it cannot be set."""
        now, trust = self.call_control.now(), self.watch.trust
        words = JUMPED if trust.jumped else STATES[now.clock_state]
        # A request that no helper has taken shows that its unit is not enabled.
        waits = time_is_waiting(folder_of(self.run))
        return ClockReply(
            at=now.wall,
            state=now.clock_state.value,
            trusted=now.clock_state.is_trusted,
            words=words,
            by_itself_s=None if trust.since is None else now.monotonic - trust.since,
            trouble=NO_HELPER if waits and trust.wanted is not None else None,
        )

    @command(ConfirmClock)
    def confirm(self, wish: ConfirmClock) -> DeferredReply:
        """Trust the time: a user has compared it with another clock."""
        # An unset clock cannot be right: it must be set, not confirmed.
        if self.watch.confirm() is ClockState.UNSET:
            raise SaidError(CANNOT_BE)
        return self._noted(wish.by, "clock.confirm", self.call_control.now().wall, CONFIRMED)

    @command(SetClock)
    def set(self, wish: SetClock) -> DeferredReply:
        """Set the clock to `at`, an ISO time; without an offset it is the office's local time."""
        at, now = self._at(wish.at), self.call_control.now()
        ask_for_time(folder_of(self.run), at.timestamp(), now.monotonic)
        self.watch.want(at.timestamp())
        return self._noted(wish.by, "clock.set", at, BEING_SET)

    def _at(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=self.call_control.office.zone)
            seconds = at.timestamp()
        except (ValueError, OverflowError) as error:
            raise SaidError(CANNOT_BE) from error
        if not EARLIEST_WALL <= seconds <= LATEST_WALL:
            raise SaidError(CANNOT_BE)
        return at.astimezone(UTC)

    def _noted(self, by: str, code: str, about: datetime, words: Words) -> DeferredReply:
        """Write the audit, then reply."""
        at = self.call_control.now().wall

        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                database.note(connection, Noted(at, by, code, f"{about:%Y-%m-%dT%H:%M:%S%z}"))

        def reply(result: CentralinoError | None) -> Reply | CentralinoError:
            return Said(words) if result is None else result

        return deferred(self.stores.records, job, reply)
