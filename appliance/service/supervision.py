"""Supervision: signs of life of threads, restarts, USB recoveries."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from appliance import usb
from appliance.api.replies import PartRestarts, RecoveryStep
from appliance.errors import TechnicianError
from appliance.files import atomic_write, load_text
from appliance.media.messages import Recovering
from appliance.modem.events import Recovery
from appliance.policy.supervision import (
    RESTART_RULES,
    Component,
    RestartHistory,
    SupervisionVerdict,
    silent_components,
    supervise_self,
)
from appliance.policy.text import words_of
from appliance.store.database import Trouble
from appliance.text import NOTHING, Words, _, joined, unchanged
from appliance.usb import UsbStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.policy.clock import Now
    from appliance.service.status import StatusCollector


# Recovery of lines. Requests to root's USB helper and its answers are tiny files in /run, which is
# memory: the deciding thread may read and write them without waiting for a disk.

log = logging.getLogger(__name__)
# Recovery steps kept for each line.
KEPT = 8
TRIED: Mapping[str, Words] = {
    Recovery.IN_BAND: _("the modem is started anew"),
    Recovery.DROP_DTR: _("DTR is dropped and raised"),
    Recovery.REOPEN: _("the port is closed and opened again"),
    Recovery.RESET_USB: _("a USB reset is asked for"),
    Recovery.POWER_CYCLE: _("the USB port is to be switched off and on"),
    Recovery.REPLUG: _("out of service: unplug the modem and plug it in again; tried every 30 s"),
}
"""Each step of the recovery ladder in words."""
NO_HELPER = _(
    "nobody does USB resets (start centralino-request@usb.path): "
    "unplug the modem and plug it in again"
)


class Recoveries:
    """Recent recovery steps of each line; requests USB resets from the helper."""

    def __init__(self, requests_in: Path, answers_in: Path, now: Callable[[], datetime]) -> None:
        self._requests = requests_in
        self._answers = answers_in
        self._now = now
        self._tried: dict[str, deque[RecoveryStep]] = {}

    def heard(self, told: Recovering) -> None:
        """Record a recovery step; request it from the helper if it is a USB step."""
        # The media gateway does all other steps itself; a USB reset needs root's rights.
        trouble = self._ask(told) if told.step in tuple(UsbStep) else self._refused(told)
        tried = RecoveryStep(self._now(), told.step, TRIED[told.step], told.reason, trouble)
        self._tried.setdefault(told.line, deque(maxlen=KEPT)).append(tried)
        extra = f" ({trouble})" if trouble != NOTHING else ""
        log.warning("%s: %s; seen: %s%s", told.line, tried.tried, told.reason, extra)

    def by_line(self) -> dict[str, tuple[RecoveryStep, ...]]:
        """Return the steps by line, oldest first."""
        return {line: tuple(tried) for line, tried in self._tried.items()}

    def _ask(self, told: Recovering) -> Words:
        try:
            taken = usb.request_reset(self._requests, told.line, UsbStep(told.step))
        except TechnicianError as error:
            return words_of(error)
        return NOTHING if taken else NO_HELPER

    def _refused(self, told: Recovering) -> Words:
        """Return, at the top of the ladder, why the last USB step failed."""
        if told.step != Recovery.REPLUG:
            return NOTHING
        # A helper that runs takes its request at once: one still there was never taken.
        if (self._requests / told.line).exists():
            return NO_HELPER
        answers = usb.read_answers(self._answers, told.line).values()
        failed = [a.sentence for a in sorted(answers, key=lambda a: a.at) if not a.done]
        return unchanged(failed[-1]) if failed else NOTHING


# Supervision of this process. policy/supervision.py decides; this part has the clock, the sentences
# for people, and a small file in the run folder (memory, not the card) that outlives the process.

# Seconds between two checks of the signs of life.
LOOK_S: Final = 1.0
FILE: Final = "supervision.json"
CODE: Final = "supervision"
FAULTS: Final = "faults"
# An hour: long enough for somebody to come by and see it; then the lamp goes out again.
FAULT_SHOWN_S: Final = 3600.0
FLEET_THREAD: Final = "fleet"
Row = dict[str, Any]


class Supervisor:
    """Supervisor of call control's own threads; decides whether to feed the watchdog or to leave.

    `beats` return when each thread last turned (monotonic s), `pasts` the restarts of other
    processes, `failures` when a job of a thread last failed by a fault of ours (workers.faults).
    `kept` is true where a service manager restarts call control: only then may it leave.
    """

    def __init__(
        self,
        beats: Mapping[Component, Callable[[], float]],
        pasts: Mapping[Component, Callable[[], RestartHistory]],
        collector: StatusCollector,
        run: Path,
        *,
        kept: bool,
        failures: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.verdict = SupervisionVerdict(feeds=True)
        self._beats, self._pasts = beats, pasts
        self._collector = collector
        self._file = run / FILE
        self._kept, self._failures = kept, failures
        self._starts, self._left, self._why = _read(self._file)
        self._look_at = 0.0

    def start(self, now: float) -> None:
        """Record a start of the process at `now` (monotonic s)."""
        self._starts = self._starts.again(now)
        self._save()

    def look(self, now: Now, is_idle: Callable[[], bool]) -> SupervisionVerdict:
        """Check every thread's sign of life, at most once in LOOK_S; return the verdict."""
        if now.monotonic >= self._look_at:
            self._look_at = now.monotonic + LOOK_S
            self._tell(self._judge(now.monotonic, is_idle), now)
            self._collector.trouble_once(FAULTS, _failed(self._failures, now))
        return self.verdict

    def leave(self, part: Component, now: float) -> None:
        """Record for the next run which part made the process leave."""
        log.error("%s: the service leaves, to be started again", RESTART_RULES[part].what)
        # A next run that finds the same fault stays, answers calls without that part, and tries
        # once more after half an hour (design/failures.md).
        self._left, self._why = self._left.again(now), part
        self._save()

    def rows(self, now: Now) -> list[PartRestarts]:
        """Return one row a part for status and pages: restarts, and whether it is silent."""
        late_ones = silent_components(self._seen(), now.monotonic)
        # The first start since the power came is no restart.
        pasts = {Component.UNIT: RestartHistory(self._starts.times[1:])}
        pasts |= {part: past() for part, past in self._pasts.items()} | {
            Component.CALL_CONTROL: self._left
        }
        shown = (*pasts, *self._beats)
        return [
            _row(part, pasts.get(part, RestartHistory()), part in late_ones, now) for part in shown
        ]

    def _judge(self, now: float, is_idle: Callable[[], bool]) -> SupervisionVerdict:
        late_ones = silent_components(self._seen(), now)
        spent = [part for part, past in self._pasts.items() if past().is_too_much(part, now)]
        failed = (*self._collector.failed(), *spent)
        if not late_ones and not failed:
            return SupervisionVerdict(feeds=True)
        # Without a service manager call control would not be started again: it never leaves
        # (design/failures.md).
        return supervise_self(late_ones, failed, self._left, now, idle=self._kept and is_idle())

    def _seen(self) -> dict[Component, float]:
        return {part: beat() for part, beat in self._beats.items()}

    def _tell(self, verdict: SupervisionVerdict, now: Now) -> None:
        """Show a changed verdict as a trouble: pages, LED, `STATUS=`."""
        told = self.verdict.waiting, self.verdict.borne
        self.verdict = verdict
        if told != (verdict.waiting, verdict.borne):
            self._collector.trouble(CODE, self._trouble(verdict, now))

    def _trouble(self, verdict: SupervisionVerdict, now: Now) -> Trouble | None:
        if verdict.borne:
            return _borne(verdict.borne, _wall(self._left.times[-1], now))
        return _waiting(verdict.waiting) if verdict.waiting else None

    def _save(self) -> None:
        # Not durable: the run folder is memory, which systemd keeps over a restart of the service.
        kept = {"starts": self._starts.times, "left": self._left.times, "why": self._why}
        try:
            atomic_write(self._file, json.dumps(kept), is_durable=False)
        except OSError as error:
            log.warning("what was restarted cannot be kept in %s: %s", self._file, error)


def _read(file: Path) -> tuple[RestartHistory, RestartHistory, str]:
    """Read starts, departures and reason of earlier runs; empty if absent or malformed."""
    try:
        kept = json.loads(load_text(file))
        starts, left = (RestartHistory(tuple(map(float, kept[key]))) for key in ("starts", "left"))
        return starts, left, str(kept["why"])
    except (ValueError, KeyError, TypeError):
        return RestartHistory(), RestartHistory(), ""


def _wall(at: float, now: Now) -> datetime:
    """Convert a monotonic time (s) of this boot to wall time."""
    return now.wall - timedelta(seconds=now.monotonic - at)


def _row(part: Component, past: RestartHistory, is_late: bool, now: Now) -> PartRestarts:
    """Return one part's row."""
    # A monotonic time in the future was written in another boot.
    times = [at for at in past.times if at <= now.monotonic]
    rule = RESTART_RULES[part]
    last = _wall(times[-1], now) if times else None
    silent_s = rule.silent_s or None
    return PartRestarts(part.value, rule.what, len(times), last, is_late, silent_s, _limit(part))


def _limit(part: Component) -> Words | None:
    """Return a part's restart limit and the next part in turn; None if it has no limit here."""
    rule = RESTART_RULES[part]
    # The image alone limits systemd's restarts (StartLimitAction); elsewhere they go on for ever.
    if rule.most == 0 or part is Component.UNIT:
        return None
    often = {"most": rule.most, "within_s": rule.within_s}
    if rule.then is None:
        return _("limit {most} in {within_s:.0f} s", **often)
    then = RESTART_RULES[rule.then].what
    return _("limit {most} in {within_s:.0f} s, then {then}", then=then, **often)


def _named(parts: Sequence[Component]) -> Words:
    return joined(", ", (RESTART_RULES[part].what for part in parts))


def _waiting(parts: Sequence[Component]) -> Trouble:
    what = _named(parts)
    return Trouble(
        f"{CODE}.waiting",
        _(
            "{parts}: no sign of life; the service restarts by itself once the lines are idle.",
            parts=what,
        ),
    )


def _borne(parts: Sequence[Component], at: datetime) -> Trouble:
    what, local = _named(parts), at.astimezone()
    return Trouble(
        f"{CODE}.borne",
        _(
            "{parts}: the restart at {at:%H:%M} was of no use; calls go on without. "
            "Call the technician: if it is the memory card, replace it.",
            parts=what,
            at=local,
        ),
    )


def _failed(last_at: Mapping[str, float], now: Now) -> Trouble | None:
    """Return the trouble for threads whose job failed by a fault of ours within FAULT_SHOWN_S."""
    # A copy by dict(): other threads add to it meanwhile.
    recent = {
        thread: at for thread, at in dict(last_at).items() if now.monotonic - at < FAULT_SHOWN_S
    }
    if not recent:
        return None
    what = _named(sorted({_part(thread) for thread in recent}))
    local = _wall(max(recent.values()), now).astimezone()
    return Trouble(
        FAULTS,
        _(
            "{parts}: a job failed by a fault in the programme ({at:%H:%M}); the "
            "service goes on. Tell the technician if it happens again: the journal "
            "says what.",
            parts=what,
            at=local,
        ),
    )


def _part(thread: str) -> Component:
    """Return the part that a thread belongs to; the main thread is call control's."""
    named = Component.MQTT if thread == FLEET_THREAD else thread
    return Component(named) if named in set(Component) else Component.CALL_CONTROL
