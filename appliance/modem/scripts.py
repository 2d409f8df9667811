"""AT command scripts: settings, steps, the runner, and the sentences that report a failure."""

from __future__ import annotations

import enum
import re
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.deadlines import is_due
from appliance.errors import ConfigurationError
from appliance.modem.dialects import (
    ACTIONS,
    DIALECTS,
    GENERIC,
    Dialect,
    VoiceFormat,
    VoltageProbe,
    choose_vsm,
)
from appliance.modem.events import Stream
from appliance.modem.v253 import (
    OK,
    RESULTS,
    CallerIdReceived,
    EventCode,
    Garbage,
    Replied,
    StreamEnded,
    StreamStarted,
)
from appliance.text import NOTHING, Words, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from appliance.modem.v253 import Modem, ModemEvent


# ---- sentences that report a failed line, in two languages, each with its remedy ----------------

NOT_LATE = NOTHING
LATE = _("a reply came too late, when nobody waited for it any more; ")
"""Added when a repeated command was answered twice."""


def no_answer_words(command: str, seen: str, late: Words = NOT_LATE) -> Words:
    """Return the sentence for an unanswered `command`; `seen` is what was read instead."""
    return _(
        "The modem does not answer {command} (read: {seen}): {late}unplug it and "
        "plug it in again; if it happens again, replace it.",
        command=command,
        seen=seen,
        late=late,
    )


def bad_answer_words(command: str, result: str, seen: str, late: Words = NOT_LATE) -> Words:
    """Return the sentence for a `command` answered by another `result` than OK."""
    return _(
        "The modem answers {result} to {command} (read: {seen}): {late}unplug it "
        "and plug it in again; if it happens again, check the configured kind of "
        "modem.",
        result=result,
        command=command,
        seen=seen,
        late=late,
    )


def no_end_words(seen: str) -> Words:
    """Return the sentence for a modem that does not leave its voice stream."""
    return _(
        "The modem does not leave its voice stream (read: {seen}): unplug it and plug it in again.",
        seen=seen,
    )


def broke_off(seen: str) -> Words:
    """Return the sentence for a modem that ended its voice stream by itself."""
    return _(
        "The modem broke its voice stream off by itself (read: {seen}): it is "
        "started anew; if it happens again, replace it.",
        seen=seen,
    )


NO_DUPLEX = _(
    "The modem refuses +VTR: the line is half duplex and takes only messages "
    "by day; put a modem there that carries sound both ways, or write duplex = "
    "false and choose a daytime."
)
NO_VOICE = _(
    "The modem refuses +FCLASS=8: it has no voice, or has lost it. Unplug it and plug it in "
    "again; if it still refuses, replace it with another voice modem (the guide on hardware "
    "names tested ones)."
)
NO_FORMAT = _(
    "The modem offers no 8-bit, 8000 Hz voice format (mu-law, A-law, linear): replace it."
)


AUTO = "auto"
# +VGR and +VGT take 0 to 255 (v253.md 1.3).
GAIN_LIMIT = 255
# A shorter break is a dialled pulse, a longer one a hang-up everywhere (v253.md 5: about 100 ms).
FLASH_MS = (50, 1000)
OVERRIDE_SHAPE = re.compile(r"AT[ -~]{1,48}")
"""Shortest and longest hook flash, ms."""


class CallerIdOrder(enum.StrEnum):
    """When the exchange sends the caller's identity: before the first ring, after it, or never."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Settings of one line; raises ConfigurationError for a value that no modem accepts.

    `dialect` is a name of DIALECTS or "auto"; `learnt`, read from a bundle, goes before it.
    `country` is the T.35 code for +GCI in hex (59 Italy; v253.md 1.3). `identity_limit_ms` counts
    from the first ring, `ring_gap_ms` from each. `receive_gain` and `transmit_gain` are +VGR and
    +VGT (128 nominal), None leaves them alone.
    `duplex` overrides the dialect once a commissioning test has proven +VTR on this unit.
    `voltage` turns the measuring of an idle pair's volts on or off; None: as the dialect can.
    `overrides` are undocumented commands sent after every reset (e.g. AT!4886=02, v253.md 3).
    `idle_check_ms` is the time between two checks that an idle modem is still idle; 0 for none.
    `flash_ms` is the hook flash; `pbx_pause_ms` the pause behind it before digits are sent, 0 to
    wait for the dial tone instead (the media gateway listens).
    """

    dialect: str = AUTO
    country: str = "59"
    caller_id: CallerIdOrder = CallerIdOrder.AFTER
    identity_limit_ms: int = 1500
    # Longer than any cadence: after 6 to 8 s without a ring the caller gave up (v253.md 2.4).
    ring_gap_ms: int = 7000
    receive_gain: int | None = None
    transmit_gain: int | None = None
    duplex: bool | None = None
    overrides: tuple[str, ...] = ()
    idle_check_ms: int = 120_000
    flash_ms: int = 100
    pbx_pause_ms: int = 0
    voltage: bool | None = None
    learnt: Dialect | None = None

    def __post_init__(self) -> None:
        if self.dialect not in {AUTO, *DIALECTS}:
            raise ConfigurationError(
                f"dialect {self.dialect!r} is unknown: use {AUTO}, {', '.join(DIALECTS)}"
            )
        if not re.fullmatch(r"[0-9A-F]{2}", self.country):
            raise ConfigurationError(
                f"country {self.country!r} is no T.35 code: two hex digits, 59 for Italy"
            )
        for gain in (self.receive_gain, self.transmit_gain):
            if gain is not None and not 0 <= gain <= GAIN_LIMIT:
                raise ConfigurationError(f"gain {gain} is out of range: 0 to {GAIN_LIMIT}")
        if not FLASH_MS[0] <= self.flash_ms <= FLASH_MS[1]:
            raise ConfigurationError(
                f"a hook flash of {self.flash_ms} ms is none: {FLASH_MS[0]} to {FLASH_MS[1]} ms"
            )
        for command in self.overrides:
            if not OVERRIDE_SHAPE.fullmatch(command):
                raise ConfigurationError(f"override {command!r} is no AT command")

    @property
    def first_dialect(self) -> Dialect:
        """Dialect to begin with, until an unknown modem has said its make."""
        return self.learnt or DIALECTS.get(self.dialect, GENERIC)

    @property
    def is_auto(self) -> bool:
        """True when the modem's own answers choose the dialect."""
        return self.learnt is None and self.dialect == AUTO


# ---- steps and outcomes of a script ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AtCommand:
    """One AT command and the conditions of its success.

    `limit_ms` is the time for its result, `tries` the most times it is sent. An `optional` one may
    be refused. `answers` are results beside OK after which the script goes on; `refused` of the
    runner then holds the result. `otherwise` are other forms to try when it is refused. The reply's
    lines are kept under `keep` and must satisfy `accept`. With `refusal` a final refusal ends the
    script in ScriptRefused instead of ScriptFailed.
    """

    text: str
    limit_ms: int = 5000
    tries: int = 2
    optional: bool = False
    otherwise: tuple[str, ...] = ()
    keep: str = ""
    accept: Callable[[tuple[str, ...]], bool] | None = None
    refusal: Words | None = None
    answers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EndStream:
    """End the running stream, if any; with `cut` without playing the modem's buffer.

    After `limit_ms` the modem is asked for a lost result, then sent the next terminator.
    """

    cut: bool = False
    # The end takes 50 to 200 ms, or as long as the buffer plays (v253.md 4), which the media
    # gateway keeps below 1 s.
    limit_ms: int = 2000


@dataclass(frozen=True, slots=True)
class Resync:
    """End a stream that a previous process left running, and discard `wait_ms` of its remains."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Drain:
    """Wait for late results, so that none is taken for the next command's."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait `wait_ms` before the next step: a PBX needs time behind a hook flash."""

    wait_ms: int


ScriptStep = AtCommand | EndStream | Resync | Drain | Wait


@dataclass(frozen=True, slots=True)
class ScriptDone:
    """Every step succeeded."""


@dataclass(frozen=True, slots=True)
class ScriptFailed:
    """A step failed after its retries; `reason` quotes what was read."""

    reason: Words


@dataclass(frozen=True, slots=True)
class ScriptRefused:
    """The modem lacks what a line needs; retrying is of no use."""

    reason: Words


ScriptOutcome = ScriptDone | ScriptFailed | ScriptRefused


# The DTE must wait 100 ms or more after a result (v253.md 1.1).
CONNECT = "CONNECT"
GAP_S = 0.1
"""Least time (s) from a result to the next command."""
_NUMBER = re.compile(r"^(AT(?:D|\+VTS=)).*")
"""Commands that hold digits, of which no count keeps more than the name."""
SEEN_LIMIT = 80
"""Most characters of the last replies that a sentence quotes."""


class ScriptRunner:
    """Runs the steps of a script on a modem, one at a time, with pauses, limits and retries.

    Bytes to send wait in `data_to_send()`; `now` is monotonic seconds. `refused` is the script's
    latest permitted refusal (`answers`), or "". A script begun while a command is unanswered first
    waits for that command's result or limit and discards it: two commands are never under way.
    `replies` counts what came of each command, by its text and its result ("": none came).
    """

    def __init__(self, modem: Modem) -> None:
        self.kept: dict[str, tuple[str, ...]] = {}
        self.replies: Counter[tuple[str, str]] = Counter()
        self.refused = ""
        self._modem = modem
        self._steps: deque[ScriptStep] = deque()
        self._current: ScriptStep | None = None
        self._passed_over = False
        self._endings = 0
        self._asked = False
        self._deadline: float | None = None
        self._gap_until = float("-inf")
        self._out = bytearray()
        self._seen: deque[str] = deque(maxlen=4)
        self._sent_again = self._is_late = False

    def begin(self, steps: Iterable[ScriptStep], now: float) -> ScriptOutcome | None:
        """Start a script in place of the running one; ScriptDone at once if it has no effect."""
        self._steps = deque(steps)
        self.refused = ""
        self._sent_again = self._is_late = False
        if isinstance(self._current, AtCommand):
            self._passed_over = True
            return None
        self._current = None
        return self._advance(now)

    def restart(self, steps: Iterable[ScriptStep], now: float) -> ScriptOutcome | None:
        """Start a script without waiting for a command under way: the modem is out of step."""
        self._current = None
        self._passed_over = False
        self._out.clear()
        return self.begin(steps, now)

    def receive(self, event: ModemEvent, now: float) -> ScriptOutcome | None:
        """Handle an event of the modem; returns the outcome when it ends the script."""
        self._note(event, now)
        self._count(event)
        match self._current, event:
            case AtCommand(), (Replied() | StreamStarted()) if self._passed_over:
                return self._pass_over(now)
            case AtCommand() as command, Replied(_, lines, result):
                return self._on_result(command, lines, result, now)
            case AtCommand(), StreamStarted():
                return self._succeed(now)
            case EndStream(), StreamEnded():
                return self._on_end(now)
        return None

    def handle_timer(self, now: float) -> ScriptOutcome | None:
        """Run what is due: send after a pause, retry or give up after a limit."""
        if not is_due(self._deadline, now):
            return None
        self._deadline = None
        match self._current:
            case None:
                return self._advance(now)
            case Resync() | Drain() | Wait():
                return self._succeed(now)
            case AtCommand() as command:
                return self._on_silence(command, now)
            case _ as step:
                return self._on_endless(step, now)

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due (monotonic s), None for never."""
        return self._deadline

    def data_to_send(self) -> bytes:
        """Return and clear the bytes to write."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def seen(self) -> str:
        """Return what was read last, in printable characters."""
        return " | ".join(self._seen)[-SEEN_LIMIT:] or "-"

    def _count(self, event: ModemEvent) -> None:
        match self._current, event:
            case AtCommand(text), Replied(_, _, result):
                self.replies[_NUMBER.sub(r"\1", text), result] += 1
            case AtCommand(text), StreamStarted():
                self.replies[_NUMBER.sub(r"\1", text), CONNECT] += 1

    def _late(self) -> Words:
        return LATE if self._is_late else NOT_LATE

    def _note(self, event: ModemEvent, now: float) -> None:
        match event:
            case Replied(_, lines, result):
                self._seen.extend((*lines[-2:], result))
            case Garbage(text):
                self._seen.append(text)
                # Sound of a stream found running must not put off the command that ends it.
                if text not in RESULTS:
                    return
                # One result more than commands that wait for one.
                self._is_late |= self._sent_again
            case EventCode(_, True) | CallerIdReceived() | StreamStarted() | StreamEnded():
                # Results as well: the pause counts from them.
                pass
            case _:
                return
        self._gap_until = now + GAP_S
        if self._current is None and self._deadline is not None:
            self._deadline = self._gap_until

    def _advance(self, now: float) -> ScriptOutcome | None:
        """Start the next step, or wait for the pause before it."""
        self._deadline = None
        while self._steps:
            if isinstance(self._steps[0], AtCommand) and now < self._gap_until:
                self._deadline = self._gap_until
                return None
            self._current = self._steps.popleft()
            if self._enter(self._current, now):
                return None
            self._current = None
        return ScriptDone()

    def _enter(self, step: ScriptStep, now: float) -> bool:
        """Send a step's bytes; False when it has nothing to wait for."""
        self._endings = 1
        self._asked = False
        match step:
            case AtCommand(text):
                self._send(text, step.limit_ms, now)
            case EndStream(cut):
                if self._modem.streaming is None:
                    return False
                self._out += self._modem.end_stream(cut=cut)
                self._deadline = now + step.limit_ms / 1000
            case Resync(wait_ms):
                self._out += self._modem.resynchronise()
                self._deadline = now + wait_ms / 1000
            case _:
                self._deadline = now + step.wait_ms / 1000
        return True

    def _send(self, text: str, limit_ms: int, now: float) -> None:
        self._out += self._modem.send_command(text)
        self._deadline = now + limit_ms / 1000

    def _succeed(self, now: float) -> ScriptOutcome | None:
        self._current = None
        return self._advance(now)

    def _pass_over(self, now: float) -> ScriptOutcome | None:
        self._passed_over = False
        return self._succeed(now)

    def _on_result(
        self, command: AtCommand, lines: tuple[str, ...], result: str, now: float
    ) -> ScriptOutcome | None:
        accepted = command.accept is None or command.accept(lines)
        # An action is answered by CONNECT (StreamStarted); OK means that no stream has begun.
        if result == OK and accepted and command.text not in ACTIONS.values():
            self.kept[command.keep] = lines
            return self._succeed(now)
        if command.otherwise:
            text, *others = command.otherwise
            return self._again(replace(command, text=text, otherwise=tuple(others)), now)
        if result in command.answers:
            self.refused = result
            return self._succeed(now)
        if command.optional:
            self.kept[command.keep] = ()
            return self._succeed(now)
        if command.tries > 1:
            return self._again(replace(command, tries=command.tries - 1), now)
        if command.refusal:
            return self._fail(ScriptRefused(command.refusal))
        return self._fail(
            ScriptFailed(bad_answer_words(command.text, result, self.seen(), self._late()))
        )

    def _again(self, command: AtCommand, now: float) -> ScriptOutcome | None:
        """Queue the command, or its other form, to be sent after the pause."""
        self._steps.appendleft(command)
        return self._succeed(now)

    def _on_silence(self, command: AtCommand, now: float) -> ScriptOutcome | None:
        self.replies[_NUMBER.sub(r"\1", command.text), ""] += 1
        if self._passed_over:
            return self._pass_over(now)
        if command.tries > 1:
            self._sent_again = True
            return self._again(replace(command, tries=command.tries - 1), now)
        return self._fail(ScriptFailed(no_answer_words(command.text, self.seen(), self._late())))

    def _on_end(self, now: float) -> ScriptOutcome | None:
        """Go on with the next step."""
        # The result was asked for: the late one may still arrive beside it.
        if self._asked:
            self._steps.appendleft(Drain())
        return self._succeed(now)

    def _on_endless(self, step: EndStream, now: float) -> ScriptOutcome | None:
        """Ask for a lost result, then send the dialect's next terminator.

        Without another one the script fails: the modem is stuck in its stream.
        """
        if not self._asked and (more := self._modem.ask_end()):
            self._asked = True
        else:
            more = self._modem.end_stream(cut=step.cut, attempt=self._endings)
            self._endings += 1
        if not more:
            return self._fail(ScriptFailed(no_end_words(self.seen())))
        self._out += more
        self._deadline = now + step.limit_ms / 1000
        return None

    def _fail(self, outcome: ScriptFailed | ScriptRefused) -> ScriptOutcome:
        self._current = None
        self._deadline = None
        self._steps.clear()
        return outcome


# ---- scripts: the commands of each stage of a line, in order (v253.md 1.3, 4, 6) ---------------

FORMATS = "formats"
MAKER = "maker"
PRODUCT = "product"
VOLTS = "volts"

REFUSED = frozenset({"ERROR"})
NOT_DIALLED = frozenset(
    {
        "ERROR", "NO DIALTONE", "NO DIAL TONE", "BUSY", "NO ANSWER", "NO CARRIER", "LINE IN USE",
        "NO LINE", "OFF HOOK INTRUSION", "DELAYED", "BLACKLISTED", "BLACKLIST FULL",
    }
)  # fmt: skip
"""Results of ATD after which nothing was dialled, by the line's fault and not the modem's."""

# Older makes print the class as three digits (the IBM Aptiva's modem: 000, 008).
_CLASS_0 = re.compile(r"^(?:\+FCLASS:\s*)?0+$")
_ASKED = re.compile(r"^\+[FG]M[IMR]:")
_DIGIT = re.compile(r"[0-9A-D#*,]")
_PAUSE = "[,,100]"
PBX_PAUSE_MS = 1000
"""Pause (ms) between a hook flash and its digits when none is configured."""
# A command's body may have 50 characters (v253.md 1.1).
DIGITS_AT_ONCE = 6
"""Most digits of one +VTS command."""


def plain_name(line: str) -> str:
    """Return a line of an identity answer without the name of its command."""
    return _ASKED.sub("", line).strip()


def sync() -> tuple[ScriptStep, ...]:
    """Bring a modem found in any state to its command state; three results prove it."""
    return (
        Resync(),
        # Also undoes V0 and Q1, whose results could not be read.
        AtCommand("ATE0V1Q0", limit_ms=1000, tries=4),
        # The result may have been an older command's (ATZ takes 200 ms, v253.md 1.1): the own one
        # is waited for and discarded.
        Drain(),
        # Each recovery step is followed by a drain and several AT (v253.md 4, quirks).
        AtCommand("AT", limit_ms=1000),
        AtCommand("AT", limit_ms=1000),
    )


def resume(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Make a modem ready to answer that rang when the previous process ended.

    A modem that fails the script is initialised.
    """
    # Its configuration is in force and no stream runs: neither resync nor reset is needed.
    return (
        AtCommand("ATE0V1Q0", limit_ms=500),
        AtCommand("AT+FCLASS=8", limit_ms=dialect.quick_ms),
        AtCommand("AT+VSM=?", limit_ms=dialect.quick_ms, keep=FORMATS),
    )


def inquire(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Put the line on hook, reset the modem, and read its make."""
    maker, product = dialect.asks
    return (
        # ATH returns a USRobotics to class 0, which must not be assumed of a Conexant: both
        # commands (v253.md 1.3).
        AtCommand("ATH"),
        AtCommand("AT+FCLASS=0"),
        # Reset before use: class 8, off hook and an odd +VSM survive the previous process (v253.md
        # 4). &F on a line of its own, as a USRobotics needs it (v253.md 1.1).
        AtCommand(dialect.reset),
        # The reset turns the echo back on.
        AtCommand("ATE0V1Q0"),
        AtCommand(maker, optional=True, keep=MAKER),
        AtCommand(product, optional=True, keep=PRODUCT),
    )


def configure(settings: LineSettings, dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Set country and dialect, read the voice formats, go idle with caller id on."""
    return (
        *(AtCommand(text) for text in dialect.set_up),
        # On every initialisation (v253.md 1.3): it sets current limit and country DAA (v253.md 5).
        AtCommand(f"AT+GCI={settings.country}", optional=True),
        *(AtCommand(text, optional=True) for text in (*dialect.extras, *settings.overrides)),
        AtCommand("AT+FCLASS=8", refusal=NO_VOICE),
        AtCommand(
            "AT+VSM=?",
            optional=dialect.fallback is not None,
            keep=FORMATS,
            accept=lambda lines: choose_vsm(lines, dialect) is not None,
            refusal=NO_FORMAT,
        ),
        *_to_idle(dialect),
    )


def check(probe: VoltageProbe | None) -> tuple[ScriptStep, ...]:
    """Check that an idle modem is still idle, and measure its pair."""
    if probe is None:
        return (_prove_class_0(),)
    return (_prove_class_0(), AtCommand(probe.command, optional=True, keep=VOLTS))


def prepare(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat
) -> tuple[ScriptStep, ...]:
    """Enter voice mode while the line rings, so that the answer takes one command (v253.md 4)."""
    gains = (("R", settings.receive_gain), ("T", settings.transmit_gain))
    return (
        AtCommand("AT+FCLASS=8", limit_ms=dialect.quick_ms),
        AtCommand(
            voice_format.command,
            limit_ms=dialect.quick_ms,
            # Two parameters first, then four (mgetty; v253.md 1.3).
            otherwise=(f"{voice_format.command},0,0",),
        ),
        # Silence detection and inactivity timer off: both end streams by themselves (v253.md 4).
        AtCommand(f"AT+VSD={dialect.vsd_off}", limit_ms=dialect.quick_ms, optional=True),
        AtCommand("AT+VIT=0", limit_ms=dialect.quick_ms, optional=True),
        *(
            AtCommand(f"AT+VG{way}={gain}", limit_ms=dialect.quick_ms, optional=True)
            for way, gain in gains
            if gain is not None
        ),
    )


def answer(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Take the line off hook."""
    return (AtCommand(dialect.seize, limit_ms=3000),)


def stream(kind: Stream) -> tuple[ScriptStep, ...]:
    """End the running stream, if any, and start one of `kind`."""
    text = ACTIONS[kind]
    # Tried once: a lost CONNECT leaves the modem streaming, where a command would be sound. Only a
    # refusal is repeated; a modem that answers ERROR twice has no +VTR, whatever its make.
    if kind is Stream.DUPLEX:
        return (EndStream(), AtCommand(text, tries=1, otherwise=(text,), answers=REFUSED))
    return (EndStream(), AtCommand(text, tries=1))


def stream_again(kind: Stream) -> tuple[ScriptStep, ...]:
    """Start a stream again that broke off."""
    # No `answers`: +VTR has worked before, so that a refusal means the line has gone.
    return (AtCommand(ACTIONS[kind], tries=1),)


def end(*, cut: bool) -> tuple[ScriptStep, ...]:
    """End the running stream."""
    return (EndStream(cut=cut),)


def flash(settings: LineSettings, digits: str) -> tuple[ScriptStep, ...]:
    """Flash the hook; with `digits` pause for the PBX's dial tone, then send them (+VTS)."""
    # `{!,n}` flashes for n x 10 ms: a modem's default flash may be a hang-up here (v253.md 1.3, 5).
    hook = AtCommand(f"AT+VTS={{!,{settings.flash_ms // 10}}}", tries=1, answers=REFUSED)
    if not digits:
        return (EndStream(cut=True), hook)
    pause = Wait(settings.pbx_pause_ms or PBX_PAUSE_MS)
    return (EndStream(cut=True), hook, pause, *_tones(digits))


def digits(digits: str) -> tuple[ScriptStep, ...]:
    """End the running stream and send digits on the line off hook."""
    return (EndStream(cut=True), *_tones(digits))


def _tones(digits: str) -> Iterator[AtCommand]:
    """Yield +VTS commands of 80 ms digits; a comma is a pause of 1 s."""
    # 80 ms each: without a length the modem would send each digit for 1 s (+VTD, v253.md 1.3), and
    # 40 ms are the least that is detected (v253.md 5).
    elements = [_PAUSE if d == "," else f"{{{d},8}}" for d in digits if _DIGIT.fullmatch(d)]
    for at in range(0, len(elements), DIGITS_AT_ONCE):
        some = ",".join(elements[at : at + DIGITS_AT_ONCE])
        # OK comes only after the last element (v253.md 1.3); each takes 1 s at most, a pause.
        limit_ms = 5000 + 1000 * DIGITS_AT_ONCE
        yield AtCommand(f"AT+VTS={some}", limit_ms, tries=1, answers=REFUSED)


def dial(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat, digits: str
) -> tuple[ScriptStep, ...]:
    """Enter voice mode, seize the line and dial."""
    number = "".join(d for d in digits if _DIGIT.fullmatch(d))
    limit_ms = 10_000 + 1000 * len(number)
    # With `;` OK comes at once and means dialled, never answered (v253.md 1.3). Tried once: a
    # second attempt is call control's decision.
    call = AtCommand(f"ATDT{number};", limit_ms, tries=1, answers=NOT_DIALLED)
    return (*prepare(settings, dialect, voice_format), call)


def withdraw(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Leave voice mode without having answered."""
    return _to_idle(dialect)


def hang_up(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """End any stream at once, go on hook and prove it."""
    return (EndStream(cut=True), AtCommand("ATH"), *_to_idle(dialect))


def _to_idle(dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Return to class 0 with caller id on, and prove it."""
    # In class 0 caller id arrives as plain text lines (v253.md 3).
    return (
        AtCommand("AT+FCLASS=0"),
        AtCommand(dialect.caller_id, optional=True),
        AtCommand("AT"),
        _prove_class_0(),
    )


def _prove_class_0() -> AtCommand:
    return AtCommand("AT+FCLASS?", accept=lambda lines: any(map(_CLASS_0.match, lines)))
