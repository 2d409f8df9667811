"""Guided interview of a modem: what it answers, how it streams, how a call reaches it (bundle.py).

Sans I/O, as `DuplexProbe`: bytes, time and a person's answers in, bytes out, at the end one
`Bundle`. A step that takes the line or needs a call waits for the person, who may skip it.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from appliance.deadlines import earliest
from appliance.dsp import g711
from appliance.dsp.dtmf import chord
from appliance.dsp.wav import level_dbm0
from appliance.modem import redaction
from appliance.modem.bundle import (
    UNKNOWN,
    Bundle,
    CallRun,
    Exchange,
    Skipped,
    StreamRun,
    Written,
    first_told,
)
from appliance.modem.dialects import ACTIONS, GENERIC, TERMINATORS, choose_vsm
from appliance.modem.events import SoundReceived, Stream
from appliance.modem.v253 import (
    OK,
    CallerIdReceived,
    EventCode,
    Garbage,
    Modem,
    Replied,
    StreamEnded,
    StreamStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from appliance.modem.dialects import VoiceFormat
    from appliance.modem.v253 import ModemEvent

    T = TypeVar("T")
    Steps = Generator["_Wait", None, T]


class InterviewStep(enum.StrEnum):
    """Part of the interview."""

    FINDING = "finding"
    IDENTITY = "identity"
    COMMANDS = "commands"
    LINE = "line"
    CALL = "call"
    HANG_UP = "hang_up"
    RESTORE = "restore"
    OVER = "over"


class SkipReason(enum.StrEnum):
    """Reason for a step that was left out."""

    NO_LINE = "no_line"
    NO_PHONE = "no_phone"
    NO_TIME = "no_time"
    NO_RING = "no_ring"
    NO_VOICE = "no_voice"
    NO_FORMAT = "no_format"
    NO_ANSWER = "no_answer"
    STOPPED = "stopped"


IDENTITY = (
    *(f"ATI{n}" for n in range(10)),
    "AT+GMI", "AT+GMM", "AT+GMR", "AT+GCAP", "AT+FMI?", "AT+FMM?", "AT+FMR?",
)  # fmt: skip
"""Questions of who the modem is."""
DATA_QUESTIONS = (
    "AT+FCLASS?", "AT+FCLASS=?", "AT+GCI?", "AT+GCI=?", "AT+VCID=?", "AT+VRID=?", "AT+PCW=?",
    "AT-STE=?", "AT-TRV", "AT+IFC=?",
)  # fmt: skip
DATA_COMMANDS = ("ATX4", "ATS0=0", "AT&D2", "AT+PCW=2", "AT-STE=3")
"""Commands of every start that change nothing in the end (scripts.configure)."""
CALLER_ID = ("AT+VCID=1", "AT#CID=1")
"""Commands that turn caller id on; the second is asked if the first is refused."""
VOICE_QUESTIONS = (
    "AT+FCLASS?", "AT+VSM=?", "AT+VSM?", "AT+VLS=?", "AT+VSD=?", "AT+VGR=?", "AT+VGT=?",
    "AT+VTS=?", "AT+VTD=?", "AT+VNH=?", "AT+VIT=?", "AT+VRA=?", "AT+VRN=?", "AT+VDR=?",
    "AT+VPR=?", "AT+VEM=?", "AT+VTR=?", "AT+VTX=?", "AT+VRX=?",
)  # fmt: skip
VOICE_COMMANDS = ("AT+VSD=0,0", "AT+VSD=128,0", "AT+VIT=0")
RESETS = ("AT&F", "ATZ")
SEIZES = ("AT+VLS=1", "ATA")
"""Commands that take the line, in class 8; the second is tried if the first is refused."""
ENDS = {
    Stream.RECEIVE: ("DLE !", "DLE ESC", "DLE ETX", "DLE DLE DLE !"),
    Stream.TRANSMIT: ("DLE ETX", "DLE CAN DLE ETX", "DLE DLE DLE ETX",
                      "DLE DLE DLE CAN DLE DLE DLE ETX"),
    Stream.DUPLEX: ("DLE ^", "DLE ETX", "DLE DLE DLE ^", "DLE DLE DLE ETX"),
}  # fmt: skip
"""Terminators of each stream, the standard's first (v253.md 2.2)."""
RELEASES = frozenset("bdlsqPp")
"""Events that can report the far end's hang-up (v253.md 2.4)."""

COMMAND_S = 8.0
"""Most seconds for an answer: some modems need 3 s to change their class."""
# A result first, then 100 ms (v253.md 1.1).
GAP_S = 0.12
STREAM_S = 3.0
"""Seconds of each stream."""
END_S = 2.5
"""Seconds for a terminator to work."""
RING_S = 180.0
"""Seconds for the person's call to arrive."""
RING_GAP_S = 8.0
RINGS = 4
TALK_S = 120.0
"""Seconds for the person to press keys and hang up."""
RELEASE_S = 25.0
"""Seconds for the modem to report it."""
RATE = 8000
FEED_S = 0.02
LEAD_S = 0.1
BACKLOG = 1600
TONE_HZ = 1000
_BACK = re.compile(r"[^0-9A-Za-z.]+")


@dataclass(slots=True)
class _Wait:
    """Until when (monotonic s), or what."""

    deadline: float
    until: Callable[[], bool]


@dataclass(slots=True)
class _Feed:
    """A tone sent to the line, paced by the clock; bytes and samples counted."""

    tone: bytes
    began_at: float
    fed_at: float
    queued: int = 0
    given: int = 0
    written: int = 0


class Interview:
    """One interview of one modem.

    `now` is monotonic seconds. After each call write `data_to_send()`, report by `written` what the
    port has taken, show `question` or `step`, wait for `next_deadline()`, until `step` is OVER.
    """

    def __init__(self, made: str = "", program: str = "", usb: str = "") -> None:
        self.step = InterviewStep.FINDING
        self.question: InterviewStep | None = None
        self.bundle = Bundle("", "", made, program, usb)
        self.answered = False
        self._modem = Modem(GENERIC)
        self._now = self._began_at = 0.0
        self._script: Steps[None] = self._whole()
        self._wait: _Wait | None = None
        self._out = bytearray()
        self._gap_until = 0.0
        self._feed: _Feed | None = None
        # What is being read.
        self._line = bytearray()
        self._in_report = False
        self._asked = ""
        self._reply: Replied | StreamStarted | None = None
        self._voice: bool | None = None
        self._heard = bytearray()
        self._heard_count = 0
        self._codes: Counter[str] = Counter()
        self._rings: list[float] = []
        self._ring_form = ""
        self._identity_at: float | None = None
        self._fields: list[str] = []
        self._releases: list[tuple[str, float]] = []
        self._agreed: bool | None = None
        self._why = SkipReason.NO_TIME

    # --- the caller's side -----------------------------------------------------------------

    def start(self, now: float) -> None:
        """Begin with a modem found in any state."""
        self._now = self._began_at = self._gap_until = now
        self._advance()

    def receive_data(self, data: bytes, now: float) -> None:
        """Handle bytes from the port."""
        self._now = now
        while data:
            # To the line feed: behind CONNECT's samples begin, which no transcript may hold.
            at = data.find(b"\n") + 1 if self._modem.streaming is None else 0
            piece, data = (data[:at], data[at:]) if at else (data, b"")
            self._take(piece)
        self._go_on()

    def handle_timer(self, now: float) -> None:
        """Run what is due at `now`."""
        self._now = now
        if self._feed and now >= self._feed.fed_at + FEED_S:
            self._feed_more(self._feed)
        self._go_on()

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due."""
        wait = self._wait.deadline if self._wait else None
        return earliest((wait, self._feed.fed_at + FEED_S if self._feed else None))

    def data_to_send(self) -> bytes:
        """Return and clear the bytes to write."""
        data = bytes(self._out)
        self._out.clear()
        if self._feed:
            self._feed.given += len(data)
        return data

    def written(self, count: int) -> None:
        """Note that the port has taken `count` bytes."""
        if self._feed:
            self._feed.written += count

    def agree(self, now: float) -> None:
        """Answer the question with yes, or: it is done."""
        self._answer(True, SkipReason.NO_TIME, now)

    def skip(self, why: SkipReason, now: float) -> None:
        """Leave the step out that is asked about."""
        self._answer(False, why, now)

    def stop(self, now: float) -> None:
        """Leave out whatever is missing, and give the modem back as it was found."""
        if self.step in {InterviewStep.RESTORE, InterviewStep.OVER}:
            return
        self._now = now
        self._skipped(self.step, SkipReason.STOPPED)
        self._feed, self.question = None, None
        self._script.close()
        self._script = self._given_back()
        self._advance()

    # --- time ------------------------------------------------------------------------------

    def _answer(self, agreed: bool, why: SkipReason, now: float) -> None:
        self._now, self._agreed, self._why, self.question = now, agreed, why, None
        self._go_on()

    def _go_on(self) -> None:
        while self._wait and (self._wait.until() or self._now >= self._wait.deadline):
            self._advance()

    def _advance(self) -> None:
        self._wait = next(self._script, None)
        if self._wait is None:
            self._finish()

    def _pause(self, seconds: float) -> Steps[None]:
        yield _Wait(self._now + seconds, lambda: False)

    def _until(self, seconds: float, what: Callable[[], bool]) -> Steps[bool]:
        yield _Wait(self._now + seconds, what)
        return what()

    def _ask(self, step: InterviewStep) -> Steps[bool]:
        """Wait for the person, as long as it takes."""
        self.step = self.question = step
        self._agreed = None
        yield _Wait(float("inf"), lambda: self._agreed is not None)
        if not self._has_agreed():
            self._skipped(step, self._why)
        return self._has_agreed()

    def _has_agreed(self) -> bool:
        return self._agreed is True

    # --- the interview ---------------------------------------------------------------------

    def _whole(self) -> Steps[None]:
        if not (yield from self._found()):
            self._skipped(InterviewStep.IDENTITY, SkipReason.NO_ANSWER)
            return
        self.answered = True
        self.step = InterviewStep.IDENTITY
        for text in IDENTITY:
            yield from self._say(text)
        self.step = InterviewStep.COMMANDS
        voice = yield from self._capabilities()
        if voice:
            yield from self._line_taken(voice)
            yield from self._called(voice)
        yield from self._given_back()

    def _found(self) -> Steps[bool]:
        """Bring a modem found in any state to its command state."""
        self._out += self._modem.resynchronise()
        yield from self._pause(0.4)
        for _ in range(4):
            said = yield from self._say("ATE0V1Q0", 2.0)
            if said.result == OK:
                break
        else:
            return False
        yield from self._pause(0.3)
        yield from self._say("ATH")
        yield from self._say("AT+FCLASS=0")
        yield from self._reset()
        return True

    def _reset(self) -> Steps[None]:
        yield from self._first_of(RESETS)
        yield from self._say("ATE0V1Q0")

    def _capabilities(self) -> Steps[VoiceFormat | None]:
        """Ask for every command that a line needs; return the voice format, None without one."""
        self._voice = False
        for text in (*DATA_QUESTIONS, *DATA_COMMANDS):
            yield from self._say(text)
        yield from self._first_of(CALLER_ID)
        entered = yield from self._say("AT+FCLASS=8")
        if entered.result != OK:
            self._skipped(InterviewStep.LINE, SkipReason.NO_VOICE)
            return None
        self._voice = True
        for text in (*VOICE_QUESTIONS, *VOICE_COMMANDS):
            yield from self._say(text)
        voice = choose_vsm(self.bundle.lines("AT+VSM=?"), GENERIC)
        if voice is None or not (yield from self._formatted(voice)):
            self._skipped(InterviewStep.LINE, SkipReason.NO_FORMAT)
            voice = None
        yield from self._to_data()
        return voice

    def _formatted(self, voice: VoiceFormat) -> Steps[bool]:
        return (yield from self._first_of((voice.command, f"{voice.command},0,0"))) is not None

    def _to_data(self) -> Steps[None]:
        yield from self._say("AT+FCLASS=0")
        self._voice = False
        yield from self._say("AT+FCLASS?")

    def _seized(self, voice: VoiceFormat) -> Steps[Exchange | None]:
        yield from self._say("AT+FCLASS=8")
        self._voice = True
        yield from self._formatted(voice)
        yield from self._first_of(VOICE_COMMANDS)
        yield from self._say("AT+VIT=0")
        return (yield from self._first_of(SEIZES))

    def _line_taken(self, voice: VoiceFormat) -> Steps[None]:
        """Take the line, stream each way, and hang up."""
        if not (yield from self._ask(InterviewStep.LINE)):
            return
        if (yield from self._seized(voice)) is None:
            self._skipped(InterviewStep.LINE, SkipReason.NO_LINE)
        else:
            for kind in (Stream.RECEIVE, Stream.TRANSMIT, Stream.DUPLEX):
                run = yield from self._streamed(kind, voice)
                self.bundle = replace(self.bundle, streams=(*self.bundle.streams, run))
        yield from self._say("ATH")
        yield from self._to_data()

    def _streamed(self, kind: Stream, voice: VoiceFormat) -> Steps[StreamRun]:
        action = ACTIONS[kind]
        said = yield from self._say(action)
        if self._modem.streaming is None:
            return StreamRun(action[2:], said.result or UNKNOWN, said.ms)
        self._hear_anew()
        if kind is not Stream.RECEIVE:
            self._begin_feed(voice)
        yield from self._pause(STREAM_S)
        heard, feed, self._feed = self._heard_count, self._feed, None
        self._out.clear()
        tried, ended_by, end_ms = yield from self._ended(kind)
        return StreamRun(
            action[2:], said.result, said.ms,
            heard_rate=round(heard / STREAM_S) if kind is not Stream.TRANSMIT else None,
            sent_rate=_taken(feed) if feed else None,
            tried=tried, ended_by=ended_by, end_ms=end_ms, codes=dict(self._codes),
            heard_dbm0=self._level(voice) if kind is not Stream.TRANSMIT else None,
        )  # fmt: skip

    def _ended(self, kind: Stream) -> Steps[tuple[tuple[str, ...], str, int | None]]:
        """End the stream: each terminator in turn; then whatever ends any."""
        tried: list[str] = []
        for name in ENDS[kind]:
            tried.append(name)
            at = self._now
            self._write(TERMINATORS[name])
            if (yield from self._until(END_S, lambda: self._modem.streaming is None)):
                return tuple(tried), name, self._ms_since(at)
        self._out += self._modem.resynchronise()
        yield from self._pause(1.0)
        yield from self._say("AT", 2.0)
        return tuple(tried), "", None

    def _called(self, voice: VoiceFormat) -> Steps[None]:
        """Let the person call: rings, identity, answer, keys, release, hang-up."""
        if not (yield from self._ask(InterviewStep.CALL)):
            return
        yield from self._first_of(CALLER_ID)
        self._rings, self._fields, self._identity_at = [], [], None
        if not (yield from self._until(RING_S, lambda: bool(self._rings))):
            self._skipped(InterviewStep.CALL, SkipReason.NO_RING)
            return
        while len(self._rings) < RINGS:
            count = len(self._rings)
            if not (yield from self._until(RING_GAP_S, lambda: len(self._rings) > count)):  # noqa: B023
                break
        rings = list(self._rings)
        call = CallRun(self._ring_form, _gaps(rings), self._order(), tuple(self._fields))
        seized = yield from self._seized(voice)
        if seized is not None:
            call = yield from self._talked(replace(call, answer_ms=seized.ms), voice)
        ended = yield from self._say("ATH")
        yield from self._to_data()
        call = replace(call, hang_up_ms=ended.ms)
        self.bundle = replace(self.bundle, calls=(*self.bundle.calls, call))

    def _talked(self, call: CallRun, voice: VoiceFormat) -> Steps[CallRun]:
        yield from self._say(ACTIONS[Stream.RECEIVE])
        if self._modem.streaming is None:
            return call
        self._hear_anew()
        self.step = self.question = InterviewStep.HANG_UP
        self._agreed = None
        yield from self._until(TALK_S, lambda: self._agreed is not None)
        self.question = None
        codes, level, hung_at = dict(self._codes), self._level(voice), self._now
        self._releases = []
        if self._has_agreed():
            yield from self._until(RELEASE_S, lambda: bool(self._releases))
        by, at = self._releases[0] if self._releases else ("", hung_at)
        yield from self._ended(Stream.RECEIVE)
        return replace(
            call, keys=codes.get(redaction.MARK, 0), codes=codes, heard_dbm0=level,
            released_by=by, release_ms=round(1000 * (at - hung_at)) if by else None,
        )  # fmt: skip

    def _given_back(self) -> Steps[None]:
        """Leave the modem on hook, in class 0, with its factory settings."""
        self.step, self.question = InterviewStep.RESTORE, None
        if not self.answered:
            return
        if self._modem.streaming is not None:
            yield from self._ended(self._modem.streaming)
        if (yield from self._say("ATH", 3.0)).result == OK:
            yield from self._say("AT+FCLASS=0")
            yield from self._reset()

    def _finish(self) -> None:
        self._flush_line()
        self.step, self.question = InterviewStep.OVER, None
        told = _told_names(self.bundle)
        slug = _BACK.sub("-", told.lower()).strip("-") or UNKNOWN
        self.bundle = replace(self.bundle, name=slug[:60], modem=told or UNKNOWN)

    # --- commands --------------------------------------------------------------------------

    def _say(self, text: str, limit_s: float = COMMAND_S) -> Steps[Exchange]:
        """Send a command and keep its answer."""
        if self._now < self._gap_until:
            yield from self._pause(self._gap_until - self._now)
        self._flush_line()
        at = self._now
        self._reply, self._asked = None, text
        self._out += self._modem.send_command(text)
        self._note_written(False, f"{redaction.masked_command(text)}\\r")
        yield from self._until(limit_s, lambda: self._reply is not None)
        self._flush_line()
        self._asked = ""
        said = self._exchange(text, at)
        self.bundle = replace(self.bundle, exchanges=(*self.bundle.exchanges, said))
        return said

    def _exchange(self, text: str, at: float) -> Exchange:
        sent, ms = redaction.masked_command(text), self._ms_since(at)
        match self._reply:
            case Replied(_, lines, result):
                kept = tuple(redaction.masked_answer(line, text) for line in lines)
                return Exchange(sent, kept, result, ms, self._voice)
            case StreamStarted():
                return Exchange(sent, (), "CONNECT", ms, self._voice)
            case None:
                return Exchange(sent, (), "", None, self._voice)

    def _first_of(self, texts: tuple[str, ...]) -> Steps[Exchange | None]:
        """Send commands until one is answered OK."""
        for text in texts:
            said = yield from self._say(text)
            if said.result == OK:
                return said
        return None

    def _ms_since(self, at: float) -> int:
        return round(1000 * (self._now - at))

    def _skipped(self, step: InterviewStep, why: SkipReason) -> None:
        more = Skipped(step.value, why.value)
        self.bundle = replace(self.bundle, skipped=(*self.bundle.skipped, more))

    # --- sound -----------------------------------------------------------------------------

    def _hear_anew(self) -> None:
        self._heard.clear()
        self._heard_count = 0
        self._codes = Counter()

    def _begin_feed(self, voice: VoiceFormat) -> None:
        tone = g711.encode(chord((TONE_HZ,), 1000), voice.law)
        self._feed = _Feed(tone, self._now, self._now)
        self._feed_more(self._feed)

    def _feed_more(self, feed: _Feed) -> None:
        feed.fed_at = self._now
        wanted = round((self._now - feed.began_at + LEAD_S) * RATE) - feed.queued
        wanted = min(wanted, BACKLOG - (feed.given - feed.written))
        if wanted > 0 and self._modem.streaming is not None:
            piece = (feed.tone * (wanted // len(feed.tone) + 1))[:wanted]
            self._out += self._modem.send_samples(piece)
            feed.queued += wanted

    def _level(self, voice: VoiceFormat) -> float | None:
        if not self._heard:
            return None
        return round(level_dbm0(g711.decode(bytes(self._heard), voice.law)), 1)

    # --- what is read ----------------------------------------------------------------------

    def _take(self, piece: bytes) -> None:
        if self._modem.streaming is None:
            self._line += piece
            if piece.endswith(b"\n"):
                self._flush_line()
        for event in self._modem.receive_data(piece):
            self._note(event)

    def _note(self, event: ModemEvent) -> None:
        match event:
            case SoundReceived(samples):
                # The last second, for its level; none of it is kept.
                self._heard_count += len(samples)
                self._heard = (self._heard + samples)[-RATE:]
            case EventCode(code, in_text):
                self._note_code(code, in_text)
            case CallerIdReceived(text, whole):
                self._identity_at = self._now
                told = redaction.masked_report(text) if whole else redaction.masked_field(text)
                self._fields.append(told)
            case StreamStarted() | Replied():
                self._reply = event
                self._gap_until = self._now + GAP_S
            case StreamEnded(_, result):
                self._note_written(True, f"DLE ETX, {redaction.masked_text(result)}")
                self._gap_until = self._now + GAP_S
            case Garbage():
                self._gap_until = self._now + GAP_S

    def _note_code(self, code: str, in_text: bool) -> None:
        shown = redaction.masked_code(code)
        if code == "R":
            self._rings.append(self._now)
            self._ring_form = "RING" if in_text else "DLE R"
            self._gap_until = self._now + GAP_S
        elif not in_text:
            self._codes[shown] += 1
            if code in RELEASES:
                self._releases.append((f"DLE {shown}", self._now))
        if self._modem.streaming is not None:
            self._note_written(True, f"DLE {shown}")

    def _order(self) -> str:
        if self._identity_at is None or not self._rings:
            return "none"
        return "before" if self._identity_at < self._rings[0] else "after"

    # --- the transcript --------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        self._out += data
        self._note_written(False, redaction.visible(data.decode("latin-1")))

    def _note_written(self, by_modem: bool, text: str) -> None:
        piece = Written(self._ms_since(self._began_at), by_modem, text)
        self.bundle = replace(self.bundle, transcript=(*self.bundle.transcript, piece))

    def _flush_line(self) -> None:
        """Keep what was read since the last line, without numbers."""
        if not self._line:
            return
        text = self._line.decode("latin-1")
        self._line.clear()
        if self._in_report or "\x10X" in text:
            self._in_report = "\x10." not in text
            self._note_written(True, f"DLE X {redaction.MARK * len(text)} DLE .")
            return
        shown = redaction.masked_line(text, self._asked)
        self._note_written(True, redaction.visible(shown))


def _taken(feed: _Feed) -> int:
    """Return the samples a second that the port has taken."""
    seconds = feed.fed_at - feed.began_at
    taken = feed.queued * feed.written / feed.given if feed.given else 0.0
    return round(taken / (seconds + LEAD_S)) if seconds > 0 else 0


def _gaps(rings: list[float]) -> tuple[int, ...]:
    return tuple(round(1000 * (b - a)) for a, b in pairwise(rings))


def _told_names(bundle: Bundle) -> str:
    """Return maker and product as the modem told them."""
    maker = first_told(bundle, ("AT+GMI", "AT+FMI?"))
    product = first_told(bundle, ("ATI3", "AT+GMM", "AT+FMM?", "AT+GMR", "ATI2", "ATI0"))
    return " ".join(part for part in (maker[1], product[1]) if part)
