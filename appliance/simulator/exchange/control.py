"""What travels over DIR/control: one JSON object a line, both ways.

To the exchange, by `do`: `clip` (base64 mu-law, `new` starts another), `call` (the fields of
`CallPlan` and `line`), `say`, `press`, `hang-up`, `status`, `set` (`line`, `knobs`). From it, by
`event`: `placed ringing answered released heard ended status done error`.
"""

from __future__ import annotations

import base64
import ctypes
import gc
import json
import os
import re
from collections import Counter, deque
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.simulator.exchange.modem_protocol import RESULT_CODES, event, fresh_settings
from appliance.simulator.exchange.signals import (
    FAULTS,
    SAMPLE_RATE,
    UNAVAILABLE,
    WITHHELD,
    CallerId,
    FaxToneHeard,
    Loop,
    Segment,
    Speech,
    check,
    is_quiet,
    loop,
    samples_of,
    segments,
    silence_of,
    sine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from appliance.simulator.exchange.modem_protocol import Personality, Tone
    from appliance.simulator.exchange.signals import Signal


# ---- capture -----------------------------------------------------------------------------------
# Every byte both ways with its time, as JSON lines, for whoever asks for it.


class Capture:
    """Writes `{"t": s, "line": n, "from": "host"|"modem", "hex": ...}` lines to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", buffering=1 << 20)

    def write(self, line: int, side: str, data: bytes, now: float) -> None:
        """Note bytes of one side of one line at monotonic second now."""
        entry = {"t": round(now, 6), "line": line, "from": side, "hex": data.hex()}
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Write out what is left."""
        self._file.close()


# ---- fax ---------------------------------------------------------------------------------------
# A fax machine as a caller: 1100 Hz for half a second every three and a half (ITU-T T.30, CNG).

TONE_HZ, LEVEL_DBM0 = 1100.0, -13.0
ON_MS, OFF_MS = 500, 3000
PERIOD = samples_of(ON_MS + OFF_MS)
RECOGNISED = samples_of(400)
"""The chip names a burst once it has lasted so long."""


class FaxMachine:
    """Sends its calling tone for ever, a burst first."""

    def __init__(self) -> None:
        burst = sine(((TONE_HZ, LEVEL_DBM0),), samples_of(ON_MS))
        self._loop = Loop(burst + silence_of(samples_of(OFF_MS)))
        self._at = 0

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples (less than a period) and what the chip makes of them."""
        begin, self._at = self._at % PERIOD, self._at + n
        heard = begin < RECOGNISED <= begin + n
        return self._loop.take(n), [FaxToneHeard()] if heard else []


# ---- call --------------------------------------------------------------------------------------
# One call from outside: its plan, the caller's side of it, and what is told of it afterwards.

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


# ---- control -----------------------------------------------------------------------------------

NUMBER = re.compile(r"\+?[0-9]{1,20}|withheld|unavailable|none")
LONGEST_MS = 3_600_000
LONGEST_TEXT = 64
Message = dict[str, object]
_PLAN_FIELDS = {field.name: field.default for field in fields(CallPlan) if field.name != "clips"}


def encode(message: Message) -> bytes:
    """Write one message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line; raises ConfigurationError when it is no JSON object."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # RecursionError: brackets in brackets without end
        raise ConfigurationError("a message is not JSON: send one object a line") from None
    if not isinstance(message, dict):
        raise ConfigurationError("a message is not a JSON object")
    return message


def text_of(message: Message, name: str, default: str | None = None) -> str:
    """Give a text field; raises ConfigurationError when it is missing or no text."""
    value = message.get(name, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is {value!r}: give a text")
    return value


def number_of(message: Message, name: str) -> int:
    """Give a whole-number field; raises ConfigurationError when it is missing or no number."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} is {value!r}: give a whole number")
    return value


def sound_of(message: Message) -> bytes:
    """Give the mu-law bytes of `data`; raises ConfigurationError when it is not base64."""
    text = text_of(message, "data")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error is one; a character beyond ASCII is another
        raise ConfigurationError("data is not base64") from None


def _checked(name: str, value: object) -> object:
    default = _PLAN_FIELDS[name]
    kind = int if name == "hang_up_after_ms" else type(default)
    if value is None and default is None:
        return None
    if type(value) is not kind:
        raise ConfigurationError(f"{name} is {value!r}: give a value of type {kind.__name__}")
    return value


def plan_of(message: Message, clips: tuple[bytes, ...]) -> CallPlan:
    """Build a call's plan; raises ConfigurationError in words for what cannot be."""
    given = {name: value for name, value in message.items() if name not in {"do", "line"}}
    unknown = sorted(set(given) - set(_PLAN_FIELDS))
    if unknown:
        raise ConfigurationError(f"{unknown[0]!r} is no field of a call")
    checked = {name: _checked(name, value) for name, value in given.items()}
    plan = CallPlan(clips=clips, **checked)  # type: ignore[arg-type]  # each was checked above
    if not NUMBER.fullmatch(plan.caller):
        raise ConfigurationError(
            f"caller {plan.caller!r}: give a number, withheld, unavailable or none"
        )
    if plan.release not in RELEASES:
        raise ConfigurationError(f"release {plan.release!r}: use {', '.join(RELEASES)}")
    if plan.id_order not in {"", "before", "after"}:
        raise ConfigurationError(f"id_order {plan.id_order!r}: use before or after")
    if plan.id_fault not in {"", *FAULTS}:
        raise ConfigurationError(f"id_fault {plan.id_fault!r}: use {', '.join(FAULTS)}")
    if plan.rings < 1 or plan.digit_ms < 1:
        raise ConfigurationError("rings and digit_ms must be at least 1")
    _check_bounds(checked)
    check(plan.digits)
    return plan


def _check_bounds(given: Mapping[str, object]) -> None:
    """Refuse what no line could bear: sound without end, a name longer than its length byte."""
    for name, value in given.items():
        if isinstance(value, int) and not 0 <= value <= LONGEST_MS:
            raise ConfigurationError(f"{name} is {value}: give 0 to {LONGEST_MS}")
        if isinstance(value, str) and not (value.isprintable() and len(value) <= LONGEST_TEXT):
            raise ConfigurationError(f"{name}: give at most {LONGEST_TEXT} printable characters")


# ---- guard -------------------------------------------------------------------------------------
# Watches the host: what it did against the protocol, counted and kept as words.

COMMAND_GAP = 0.099
"""100 ms after a result before the next command (v253.md 1.1), less 1 ms of clock grain."""

EARLY = "command less than 100 ms after a result"
OVERLAP = "command before the result of the one before"
UNKNOWN_CODE = "unknown DLE code in a stream"
COMMAND_IN_STREAM = "command text in a stream"

_TEXT = re.compile(rb"AT(?:\+[FV][A-Z]{2,6}[ -~]*|-STE[ -~]*|[HZ]0?|E[01][ -~]*|)\r")
_TAIL = 64


class Guard:
    """Counts the host's protocol faults; `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=20)
        self._result_at = float("-inf")
        self._waiting = False
        self._tail = b""

    def fault(self, kind: str, now: float, detail: str = "") -> None:
        """Count one fault and keep its time and detail."""
        self.faults[kind] += 1
        self.last.append(f"{now:.3f} {kind}{': ' + detail if detail else ''}")

    def command_began(self, now: float) -> None:
        """Look at the time of a command line's first byte."""
        if self._waiting:
            self.fault(OVERLAP, now)
        elif now - self._result_at < COMMAND_GAP:
            self.fault(EARLY, now, f"{(now - self._result_at) * 1000:.1f} ms")

    def line_taken(self) -> None:
        """Note that a whole command line is being worked on."""
        self._waiting = True

    def result_given(self, now: float) -> None:
        """Note a final result code."""
        self._waiting = False
        self._result_at = now

    def streamed(self, data: bytes, now: float) -> None:
        """Look for command text in what the host sent as sound."""
        joined = self._tail + data
        self._tail = joined[-_TAIL:]
        if b"AT" not in joined:
            return
        for match in _TEXT.finditer(joined):
            self.fault(COMMAND_IN_STREAM, now, match[0].decode("ascii", "replace").strip())
            self._tail = joined[match.end() :][-_TAIL:]

    def stream_began(self, now: float) -> None:
        """Forget what an earlier stream ended with; CONNECT is a result."""
        self.result_given(now)
        self._tail = b""


# ---- hostside ----------------------------------------------------------------------------------
# The modem's side towards its host: result codes, information text, DLE events (v253.md 1.1).


class HostSide:
    """Frames everything the host reads; `now` is the monotonic second of what is going on."""

    def __init__(self, personality: Personality) -> None:
        self.personality = personality
        self.settings = fresh_settings(personality)
        self.guard = Guard()
        self.lose_results = 0
        self.end_late_ms = 0.0
        self.poke_wanted = ""
        self.refused: frozenset[str] = frozenset()
        self.planted: dict[str, str] = {}
        self.now = 0.0
        self._out = bytearray()
        self._bare = False
        self._trailer = b""

    def restore_settings(self) -> None:
        """Go back to the settings this modem wakes up with: its make's, and what was planted."""
        self.settings = fresh_settings(self.personality)
        self.settings.values |= self.planted

    def data_to_send(self) -> bytes:
        """Give and forget the bytes for the host."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def result(self, text: str) -> None:
        """Give a final result, verbose or numeric, unless Q1 or a planted loss forbids it."""
        self.guard.result_given(self.now)
        bare, self._bare = self._bare, False
        trailer, self._trailer = self._trailer, b""
        if self.lose_results:
            self.lose_results -= 1
            return
        self._say(text, bare=bare)
        self._out += trailer

    def unsolicited(self, text: str) -> None:
        """Give a result nobody asked for, such as RING."""
        self._say(text, bare=False)

    def _say(self, text: str, *, bare: bool) -> None:
        if self.settings.quiet:
            return
        if not self.settings.verbose:
            self._out += b"%d\r" % RESULT_CODES[text]
            return
        self._out += b"" if bare else b"\r\n"
        self._out += text.encode() + b"\r\n"

    def inform(self, *lines: str) -> None:
        """Give information text, its lines together."""
        self._out += b"\r\n" if self.settings.verbose else b""
        self._out += "\r\n".join(lines).encode("ascii", "replace") + b"\r\n"

    def inform_bare(self, text: str) -> None:
        """Give the text whose OK follows without a blank line (+FCLASS?, v253.md 1.1)."""
        self._out += text.encode() + b"\r\n"
        self._bare = True

    def report(self, codes: str) -> None:
        """Send one DLE event per letter."""
        for code in codes:
            self._out += event(code)

    def report_after_result(self, code: str) -> None:
        """Send one DLE event right after the coming result."""
        self._trailer += event(code)

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._out += data


# ---- leavers -----------------------------------------------------------------------------------
# Callers whose call was ended by the host: they hear the busy tone for a while, then they go.

LINGER = samples_of(2000)
"""A caller whose call was ended by the host listens to the busy tone for this long."""


class Leavers:
    """Those who listen to it at the moment; true while there are any."""

    def __init__(self) -> None:
        self._leaving: list[tuple[Call, Loop, int]] = []

    def __bool__(self) -> bool:
        """Tell whether anybody is left."""
        return bool(self._leaving)

    def add(self, call: Call, tone: Tone) -> None:
        """Let a caller hear the tone."""
        self._leaving.append((call, loop(tone), LINGER))

    def pass_time(self, n: int) -> None:
        """Let n samples go by."""
        for call, tone, left in self._leaving:
            call.pass_time(n)
            call.hear(tone.take(n))
            call.done = left <= n
        self._leaving = [(call, tone, left - n) for call, tone, left in self._leaving if left > n]


# ---- party -------------------------------------------------------------------------------------
# Who is reached by a number that a modem dials: a PBX extension, or somebody on another line.

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
def voice() -> bytes:
    """Render a word as a voice has it: harmonics of one pitch, no line's tone."""
    parts = tuple((VOICE_HZ * n, -24.0 - n / 2) for n in range(1, 20))
    return sine(parts, samples_of(VOICE_MS))


class Answered:
    """A party that has answered: what it says and presses, what it hears."""

    def __init__(self, party: Party) -> None:
        self.heard = bytearray()
        self.gone = False
        self._speech = Speech()
        self._left = samples_of(party.hang_up_after_ms)
        self._may_leave = party.hang_up_after_ms > 0
        word = voice() if party.says else b""
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


# ---- realtime ----------------------------------------------------------------------------------
# Real-time priority and locked memory where the system allows them, silently without.

PRIORITY = 30
MCL_CURRENT, MCL_FUTURE = 1, 2


def take() -> bool:
    """Take SCHED_FIFO 30, lock memory, freeze the collector; tell whether FIFO was granted."""
    gc.collect()
    gc.freeze()
    ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT | MCL_FUTURE)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
