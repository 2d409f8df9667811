"""Calls of the simulated exchange: the caller's plan and report, and the called party."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.simulator.exchange.audio import (
    SAMPLE_RATE,
    UNAVAILABLE,
    WITHHELD,
    Segment,
    SentIdentity,
    is_quiet,
    samples_of,
    segments,
    silence_of,
    sine,
)
from appliance.simulator.exchange.signals import FaxMachine, SpeechQueue

if TYPE_CHECKING:
    from appliance.simulator.exchange.signals import Signal


# ---- call --------------------------------------------------------------------------------------
# A call from outside: the caller's plan, its behaviour, and the report afterwards.

RELEASES = ("busy", "busy200", "congestion", "dial", "silence", "loop")
NO_IDENTITY = "none"
_ABSENCE = {"withheld": WITHHELD, "unavailable": UNAVAILABLE}
PATIENCE_MS = 1000
"""A caller who has said all stays this long, unless told how long."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What a caller does. `caller` is a number, withheld, unavailable or none; `id_fault` one of
    audio.IDENTITY_FAULTS, what goes wrong on the way of the identity.

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
    def identity(self) -> SentIdentity | None:
        """What the exchange sends about the caller, if anything."""
        if self.caller == NO_IDENTITY:
            return None
        number = _ABSENCE.get(self.caller, self.caller)
        return SentIdentity(number, self.date, self.time, self.name, self.id_fault)


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


class ExchangeCall:
    """The caller: rings, talks by plan, hears; `heard` is drained by whoever listens."""

    def __init__(self, plan: CallPlan, line: int) -> None:
        self.plan = plan
        self.report = CallReport(line=line)
        self.heard = bytearray()
        self.done = False
        self.wants_to_hang_up = False
        self._speech = SpeechQueue()
        self._fax = FaxMachine() if plan.fax else None
        self._clock = 0
        self._answered = 0
        self._began = False
        self._heard_something = False
        self._quiet_for = 0
        self._patience = samples_of(PATIENCE_MS)

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
            self._speech.add([Segment(silence_of(samples_of(self.plan.start_delay_ms)))])

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
        wanted = samples_of(self.plan.after_quiet_ms)
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
            return self._clock - self._answered >= samples_of(after)
        if self.plan.repeat_say or self.plan.fax or not self._began or not self._speech.finished:
            return False
        if not self.plan.clips and not self.plan.digits:
            return False
        self._patience -= n
        return self._patience <= 0


# ---- party -------------------------------------------------------------------------------------
# The called party of a number that a modem dials: a PBX extension, or another line.

OUTCOMES = ("answer", "busy", "congestion", "sit", "no-answer")
RINGS_BEFORE_ANSWER = 2
VOICE_HZ = 140.0
VOICE_MS = 700


@dataclass(frozen=True, slots=True)
class Party:
    """What a called number does. `rings` are heard before it answers; then it says a word
    (`says`), presses the keys of `press` after `press_after_ms`, and hangs up after
    `hang_up_after_ms` (0: never). Times in ms from the answer.
    """

    outcome: str = "answer"
    rings: int = RINGS_BEFORE_ANSWER
    says: bool = False
    press: str = ""
    press_after_ms: int = 3000
    hang_up_after_ms: int = 0


@lru_cache(maxsize=1)
def voice_sample() -> bytes:
    """Render a word as a voice has it: harmonics of one pitch, no line's tone."""
    parts = tuple((VOICE_HZ * n, -24.0 - n / 2) for n in range(1, 20))
    return sine(parts, samples_of(VOICE_MS))


class AnsweredParty:
    """A party that has answered: what it says and presses, what it hears."""

    def __init__(self, party: Party) -> None:
        self.heard = bytearray()
        self.gone = False
        self._speech = SpeechQueue()
        self._left = samples_of(party.hang_up_after_ms)
        self._may_leave = party.hang_up_after_ms > 0
        word = voice_sample() if party.says else b""
        pause = silence_of(max(samples_of(party.press_after_ms) - len(word), 1))
        self._speech.add([Segment(word), Segment(pause), *segments(party.press)])

    def reach(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give the next n samples of its sound and what a chip recognises in them."""
        self._left -= n
        self.gone = self._may_leave and self._left <= 0
        return self._speech.take(n)

    def said(self, sound: bytes) -> None:
        """Take what reaches its ear; the last minute is kept."""
        self.heard += sound
        del self.heard[: -60 * SAMPLE_RATE]
