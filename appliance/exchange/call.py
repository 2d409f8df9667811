"""One call from outside: its plan, the caller's side of it, and what is told of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from appliance.exchange.dtmf import Segment, segments
from appliance.exchange.fax import FaxMachine
from appliance.exchange.fsk import UNAVAILABLE, WITHHELD, CallerId
from appliance.exchange.sound import SAMPLE_RATE, is_quiet, samples, silence
from appliance.exchange.speech import Speech

if TYPE_CHECKING:
    from appliance.exchange.signals import Signal

RELEASES = ("busy", "busy200", "congestion", "dial", "silence", "loop")
NO_IDENTITY = "none"
_ABSENCE = {"withheld": WITHHELD, "unavailable": UNAVAILABLE}
PATIENCE_MS = 1000
"""A caller who has said all stays this long, unless told how long."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a caller does. `caller` is a number, withheld, unavailable or none; `id_fault` one of
    fsk.FAULTS, what goes wrong on the way of the identity.

    `hang_up_after_ms` counts from the answer; None means one second after all is said, or until
    the host hangs up when there is nothing to say. `after_quiet_ms` waits, before speaking, for
    that much silence after something was heard. `fax`: once all is said, a fax machine sends its
    calling tone until it is hung up on. `date` and `time` are zeros where the exchange has no
    clock. Times in ms.
    """

    caller: str = NO_IDENTITY
    name: str = ""
    date: str = "0000"
    time: str = "0000"
    id_order: str = ""
    id_fault: str = ""
    rings: int = 10
    digits: str = ""
    digit_ms: int = 80
    pause_ms: int = 80
    release: str = "busy"
    hang_up_after_ms: int | None = None
    start_delay_ms: int = 0
    after_quiet_ms: int = 0
    repeat_say: bool = False
    fax: bool = False
    clips: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def identity(self) -> CallerId | None:
        """What the exchange sends about the caller, if anything."""
        if self.caller == NO_IDENTITY:
            return None
        number = _ABSENCE.get(self.caller, self.caller)
        return CallerId(number, self.date, self.time, self.name, self.id_fault)


@dataclass(slots=True)
class CallReport:
    """What became of a call; seconds count from its placing, on the line's clock.

    `transfer_found` is what the extension it was transferred to was doing then.
    """

    line: int = 0
    answered: bool = False
    ended_by: str = ""
    rings: int = 0
    ring_start_s: float | None = None
    answered_after_s: float | None = None
    ended_after_s: float | None = None
    talked_s: float = 0.0
    release: str = ""
    line_freed_after_s: float | None = None
    digits_sent: str = ""
    bytes_said: int = 0
    bytes_heard: int = 0
    bytes_heard_to_end: int = 0
    transferred_to: str = ""
    transfer_found: str = ""
    flashes_ms: list[int] = field(default_factory=list)
    path: str = ""


class Call:
    """The caller: rings, talks by plan, hears; `heard` is drained by whoever listens."""

    def __init__(self, plan: CallPlan, line: int) -> None:
        self.plan = plan
        self.report = CallReport(line=line)
        self.heard = bytearray()
        self.done = False
        self.wants_to_hang_up = False
        self._speech = Speech()
        self._fax = FaxMachine() if plan.fax else None
        self._clock = 0
        self._answered = 0
        self._began = False
        self._heard_something = False
        self._quiet_for = 0
        self._patience = samples(PATIENCE_MS)

    @property
    def seconds(self) -> float:
        """Seconds since the call was placed."""
        return round(self._clock / SAMPLE_RATE, 4)

    def pass_time(self, n: int) -> None:
        """Let n samples go by."""
        self._clock += n

    def rang(self) -> None:
        """Count one ring."""
        self.report.rings += 1
        if self.report.ring_start_s is None:
            self.report.ring_start_s = self.seconds

    def answer(self) -> None:
        """Note that somebody has answered."""
        self.report.answered = True
        self.report.answered_after_s = self.seconds
        self._answered = self._clock
        if self.plan.start_delay_ms:
            self._speech.add([Segment(silence(samples(self.plan.start_delay_ms)))])

    def end(self, by: str) -> None:
        """Note that the conversation is over, once."""
        report = self.report
        report.ended_by = by
        report.ended_after_s = self.seconds
        report.digits_sent, report.bytes_said = self._speech.digits_sent, self._speech.said
        report.bytes_heard_to_end = report.bytes_heard
        if report.answered:
            report.talked_s = round((self._clock - self._answered) / SAMPLE_RATE, 4)

    def say(self, clip: bytes) -> None:
        """Say more than was planned."""
        self._speech.add([Segment(clip)])

    def press(self, digits: str) -> None:
        """Press keys; raises ConfigurationError for a key that is none."""
        self._speech.add(segments(digits, self.plan.digit_ms, self.plan.pause_ms))

    def speak(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give the next n samples of the caller's sound."""
        if not self._began and self._may_begin():
            self._begin()
        elif self._began and self.plan.repeat_say and self._speech.finished:
            self._say_clips()
        if self._fax is not None and self._began and self._speech.finished:
            return self._fax.take(n)
        return self._speech.take(n)

    def _may_begin(self) -> bool:
        wanted = samples(self.plan.after_quiet_ms)
        return not wanted or (self._heard_something and self._quiet_for >= wanted)

    def _begin(self) -> None:
        self._began = True
        self._say_clips()
        self.press(self.plan.digits)

    def _say_clips(self) -> None:
        self._speech.add(Segment(clip) for clip in self.plan.clips)

    def hear(self, sound: bytes) -> None:
        """Take what reaches the caller's ear."""
        self.heard += sound
        self.report.bytes_heard += len(sound)
        if not self.plan.after_quiet_ms or self._began:
            return
        if is_quiet(sound):
            self._quiet_for += len(sound)
        else:
            self._heard_something, self._quiet_for = True, 0

    def hangs_up(self, n: int) -> bool:
        """Tell whether the caller hangs up now, having waited n samples more."""
        if self.wants_to_hang_up:
            return True
        after = self.plan.hang_up_after_ms
        if after is not None:
            return self._clock - self._answered >= samples(after)
        if self.plan.repeat_say or self.plan.fax or not self._began or not self._speech.finished:
            return False
        if not self.plan.clips and not self.plan.digits:
            return False
        self._patience -= n
        return self._patience <= 0
