"""AT command scripts: settings, steps, the runner, and the sentences that report a failure."""

from __future__ import annotations

import enum
import re
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.modem.dialects import (
    ACTIONS,
    DIALECTS,
    Dialect,
    VoiceFormat,
    VoltageProbe,
    choose_vsm,
)
from appliance.modem.events import Sentence, Stream
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from appliance.modem.v253 import Modem, ModemEvent


# ---- sentences ---------------------------------------------------------------------------------
# What is said of a line in trouble: one sentence each, in two languages, ending in what to do.


NOT_LATE = Sentence("", "")
LATE = Sentence(
    "una risposta è arrivata troppo tardi, quando nessuno l'aspettava più; ",
    "a reply came too late, when nobody waited for it any more; ",
)
"""What is added where a command was sent again, and then both were answered."""


def no_answer_words(command: str, seen: str, late: Sentence = NOT_LATE) -> Sentence:
    """Say that `command` stayed unanswered, what was read instead, and whether it was `late`."""
    return Sentence(
        f"Il modem non risponde a {command} (letto: {seen}): {late.it}"
        "scollegarlo e ricollegarlo; se si ripete, sostituirlo.",
        f"The modem does not answer {command} (read: {seen}): {late.en}"
        "unplug it and plug it in again; if it happens again, replace it.",
    )


def bad_answer_words(command: str, result: str, seen: str, late: Sentence = NOT_LATE) -> Sentence:
    """Say that `command` was answered with something else than success; `late` as above."""
    return Sentence(
        f"Il modem risponde {result} a {command} (letto: {seen}): {late.it}"
        "scollegarlo e ricollegarlo; se si ripete, controllare il tipo di modem configurato.",
        f"The modem answers {result} to {command} (read: {seen}): {late.en}"
        "unplug it and plug it in again; if it happens again, check the configured kind of modem.",
    )


def no_end_words(seen: str) -> Sentence:
    """Say that the modem did not leave its voice stream."""
    return Sentence(
        f"Il modem non esce dal flusso voce (letto: {seen}): scollegarlo e ricollegarlo.",
        f"The modem does not leave its voice stream (read: {seen}): "
        "unplug it and plug it in again.",
    )


def broke_off(seen: str) -> Sentence:
    """Say that the modem ended its voice stream though nobody had ordered it."""
    return Sentence(
        f"Il modem ha interrotto da solo il flusso voce (letto: {seen}): viene riavviato; "
        "se si ripete, sostituirlo.",
        f"The modem broke its voice stream off by itself (read: {seen}): it is started anew; "
        "if it happens again, replace it.",
    )


NO_DUPLEX = Sentence(
    "Il modem rifiuta +VTR: la linea è half duplex e di giorno prende solo messaggi; mettere un "
    "modem che regge la voce nei due sensi, o scrivere duplex = false e scegliere daytime.",
    "The modem refuses +VTR: the line is half duplex and takes only messages by day; put a modem "
    "there that carries sound both ways, or write duplex = false and choose a daytime.",
)
NO_VOICE = Sentence(
    "Il modem rifiuta +FCLASS=8, non ha la voce: sostituirlo con un modem vocale "
    "(Conexant CX930xx o USRobotics 5637).",
    "The modem refuses +FCLASS=8, it has no voice: replace it with a voice modem "
    "(Conexant CX930xx or USRobotics 5637).",
)
NO_FORMAT = Sentence(
    "Il modem non offre alcun formato voce a 8 bit e 8000 Hz (mu-law, A-law): sostituirlo.",
    "The modem offers no 8-bit, 8000 Hz voice format (mu-law, A-law, linear): replace it.",
)


# ---- settings ----------------------------------------------------------------------------------
# What is configured of one line: frozen values, checked once.

AUTO = "auto"
GAIN_LIMIT = 255
FLASH_MS = (50, 1000)
"""A shorter break is a dialled pulse, a longer one a hang-up everywhere (v253.md 5: ~100 ms)."""


class CallerIdOrder(enum.StrEnum):
    """When the exchange sends who calls: before the first ring, after it, or never."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Settings of one line; raises ConfigurationError on a value that no modem takes.

    `dialect` is a name of DIALECTS or "auto"; `country` the T.35 code for +GCI in hex (59 Italy;
    v253.md 1.3). `identity_limit_ms` counts from the first ring, `ring_gap_ms` from each.
    `receive_gain` and `transmit_gain` are +VGR and +VGT (128 nominal), None leaves them alone.
    `duplex` overrides the dialect once a commissioning test has proven +VTR on this unit.
    `voltage` says whether an idle pair's volts are asked for: None where the dialect knows how.
    `overrides` are undocumented commands sent after every reset (e.g. AT!4886=02, v253.md 3).
    `idle_check_ms` is how often an idle modem is asked whether it still is; 0 never.
    `flash_ms` is the hook flash; `pbx_pause_ms` the pause behind it before digits are sent, 0 to
    wait for the dial tone instead (the carrier listens).
    """

    dialect: str = AUTO
    country: str = "59"
    caller_id: CallerIdOrder = CallerIdOrder.AFTER
    identity_limit_ms: int = 1500
    ring_gap_ms: int = 7000
    receive_gain: int | None = None
    transmit_gain: int | None = None
    duplex: bool | None = None
    overrides: tuple[str, ...] = ()
    idle_check_ms: int = 120_000
    flash_ms: int = 100
    pbx_pause_ms: int = 0
    voltage: bool | None = None

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
            if not re.fullmatch(r"AT[ -~]{1,48}", command):
                raise ConfigurationError(f"override {command!r} is no AT command")


# ---- steps -------------------------------------------------------------------------------------
# What a script is made of, and how it can end.


@dataclass(frozen=True, slots=True)
class AtCommand:
    """One AT command and what counts as its success.

    `limit_ms` is the time for its result, `tries` how often it is sent at most. An `optional` one
    may be refused. `answers` are results beside OK that are no trouble: the script goes on, and
    whoever began it is told. `otherwise` are other forms to try when it is refused. The answer's
    lines are kept under `keep` and must satisfy `accept`. A final refusal says `refusal` and is for
    good.
    """

    text: str
    limit_ms: int = 5000
    tries: int = 2
    optional: bool = False
    otherwise: tuple[str, ...] = ()
    keep: str = ""
    accept: Callable[[tuple[str, ...]], bool] | None = None
    refusal: Sentence | None = None
    answers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EndStream:
    """End the stream that runs, if one does; with `cut` without playing what lies ahead.

    Its end takes 50-200 ms, or what lies ahead (v253.md 4), which the carrier keeps below 1 s:
    after `limit_ms` the modem is asked for a result that was lost, then told anew.
    """

    cut: bool = False
    limit_ms: int = 2000


@dataclass(frozen=True, slots=True)
class Resync:
    """End whatever a former owner left running, and let `wait_ms` of its remains drain."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Drain:
    """Let results that are late arrive, so that none is taken for the next command's."""

    wait_ms: int = 300


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for `wait_ms` before the next step: a PBX needs time behind a hook flash."""

    wait_ms: int


ScriptStep = AtCommand | EndStream | Resync | Drain | Wait


@dataclass(frozen=True, slots=True)
class ScriptDone:
    """Every step succeeded."""


@dataclass(frozen=True, slots=True)
class ScriptFailed:
    """A step failed after its retries; `reason` quotes what was read."""

    reason: Sentence


@dataclass(frozen=True, slots=True)
class ScriptRefused:
    """The modem cannot do what a line needs; trying again is of no use."""

    reason: Sentence


ScriptOutcome = ScriptDone | ScriptFailed | ScriptRefused


# ---- script ------------------------------------------------------------------------------------
# Runs a list of commands on a modem, one at a time, with its pauses, limits and retries.

GAP_S = 0.1
"""Least time from a result to the next command: "the DTE must wait >= 100 ms" (v253.md 1.1)."""
SEEN_LIMIT = 80
"""Characters of what was read last that a sentence quotes."""


class ScriptRunner:
    """Works through a script; its bytes wait in `data_to_send()`, its time is the caller's.

    `refused` is the latest result of the script that was a permitted refusal (`answers`), or "".
    A new script begun while a command is unanswered waits for that answer, or for its limit, and
    passes over it: two commands are never under way at once.
    """

    def __init__(self, modem: Modem) -> None:
        self.kept: dict[str, tuple[str, ...]] = {}
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
        """Start a script in the place of the one that runs; Done at once when it has no effect."""
        self._steps = deque(steps)
        self.refused = ""
        self._sent_again = self._is_late = False
        if isinstance(self._current, AtCommand):
            self._passed_over = True
            return None
        self._current = None
        return self._advance(now)

    def restart(self, steps: Iterable[ScriptStep], now: float) -> ScriptOutcome | None:
        """Start a script and wait for nothing that was under way: the modem has lost the thread."""
        self._current = None
        self._passed_over = False
        self._out.clear()
        return self.begin(steps, now)

    def receive(self, event: ModemEvent, now: float) -> ScriptOutcome | None:
        """Take what the modem said; returns the script's outcome when this was its last word."""
        self._note(event, now)
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
        """Do what is due: send after a pause, try again or give up after a limit."""
        if self._deadline is None or now < self._deadline:
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
        """Return when `handle_timer` is due, on the caller's monotonic clock."""
        return self._deadline

    def data_to_send(self) -> bytes:
        """Return and forget the bytes to be written."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def seen(self) -> str:
        """Quote what was read last, in printable characters."""
        return " | ".join(self._seen)[-SEEN_LIMIT:] or "-"

    def _late(self) -> Sentence:
        return LATE if self._is_late else NOT_LATE

    def _note(self, event: ModemEvent, now: float) -> None:
        match event:
            case Replied(_, lines, result):
                self._seen.extend((*lines[-2:], result))
            case Garbage(text):
                self._seen.append(text)
                if text not in RESULTS:
                    return  # a stream found running must not put off its own ending
                self._is_late |= self._sent_again  # one answer more than questions that wait
            case EventCode(_, True) | CallerIdReceived() | StreamStarted() | StreamEnded():
                pass  # results too: the pause counts from them
            case _:
                return
        self._gap_until = now + GAP_S
        if self._current is None and self._deadline is not None:
            self._deadline = self._gap_until

    def _advance(self, now: float) -> ScriptOutcome | None:
        """Begin the next step, or wait for its pause to pass."""
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
        """Send what a step sends; False when it has nothing to wait for."""
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
        """Send the command, or its other form, once the pause has passed."""
        self._steps.appendleft(command)
        return self._succeed(now)

    def _on_silence(self, command: AtCommand, now: float) -> ScriptOutcome | None:
        if self._passed_over:
            return self._pass_over(now)
        if command.tries > 1:
            self._sent_again = True
            return self._again(replace(command, tries=command.tries - 1), now)
        return self._fail(ScriptFailed(no_answer_words(command.text, self.seen(), self._late())))

    def _on_end(self, now: float) -> ScriptOutcome | None:
        """Go on; where its result was asked for, let the one that was late arrive as well."""
        if self._asked:
            self._steps.appendleft(Drain())
        return self._succeed(now)

    def _on_endless(self, step: EndStream, now: float) -> ScriptOutcome | None:
        """Ask for a result that was lost, then try the dialect's next terminator.

        Without one the modem is stuck in its stream.
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


# ---- scripts -----------------------------------------------------------------------------------
# The commands of each step in a line's life, in order (v253.md 1.3, 4, 6).

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
"""Answers to ATD after which nothing was dialled: the line's matter, not a modem in trouble."""

QUICK_MS = 2000
"""Limit of commands that take 2-5 ms (v253.md 1.1): with a caller waiting, 5 s is too long."""
_CLASS_0 = re.compile(r"^(?:\+FCLASS:\s*)?0$")
_DIGIT = re.compile(r"[0-9A-D#*,]")
_PAUSE = "[,,100]"
PBX_PAUSE_MS = 1000
"""The pause between a flash and its digits where none is configured and nobody listens."""
DIGITS_AT_ONCE = 6


def sync() -> tuple[ScriptStep, ...]:
    """Bring a modem found in any state to its command state; three answers prove it.

    The first command also undoes V0 and Q1, whose answers could not be read. Its answer may have
    been an older command's (ATZ takes 200 ms, v253.md 1.1): its own is waited for and dropped.
    """
    return (
        Resync(),
        AtCommand("ATE0V1Q0", limit_ms=1000, tries=4),
        Drain(),
        AtCommand("AT", limit_ms=1000),
        AtCommand("AT", limit_ms=1000),
    )


def resume() -> tuple[ScriptStep, ...]:
    """Make a modem ready that rang as its last owner died: configured it is, and it runs no stream.

    One that is anything else says so, and is initialised.
    """
    return (
        AtCommand("ATE0V1Q0", limit_ms=500),
        AtCommand("AT+FCLASS=8", limit_ms=QUICK_MS),
        AtCommand("AT+VSM=?", limit_ms=QUICK_MS, keep=FORMATS),
    )


def inquire() -> tuple[ScriptStep, ...]:
    """Put the line on hook, reset, and ask who it is; &F stands alone (v253.md 1.1)."""
    return (
        AtCommand("ATH"),
        AtCommand("AT+FCLASS=0"),
        AtCommand("AT&F"),
        AtCommand("ATE0V1Q0"),
        AtCommand("AT+GMI", optional=True, keep=MAKER),
        AtCommand("ATI3", optional=True, keep=PRODUCT),
    )


def configure(settings: LineSettings, dialect: Dialect) -> tuple[ScriptStep, ...]:
    """Set the country and the dialect's needs, learn the voice formats, idle with caller id on."""
    return (
        *(AtCommand(text) for text in dialect.set_up),
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
        *_to_idle(),
    )


def check(probe: VoltageProbe | None) -> tuple[ScriptStep, ...]:
    """Ask an idle modem whether it still is, and what lies on its pair."""
    if probe is None:
        return (_prove_class_0(),)
    return (_prove_class_0(), AtCommand(probe.command, optional=True, keep=VOLTS))


def prepare(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat
) -> tuple[ScriptStep, ...]:
    """Enter voice mode while it rings, with everything off that would end a stream by itself."""
    gains = (("R", settings.receive_gain), ("T", settings.transmit_gain))
    return (
        AtCommand("AT+FCLASS=8", limit_ms=QUICK_MS),
        AtCommand(
            voice_format.command,
            limit_ms=QUICK_MS,
            # Two parameters first, then four (mgetty; v253.md 1.3).
            otherwise=(f"{voice_format.command},0,0",),
        ),
        AtCommand(f"AT+VSD={dialect.vsd_off}", limit_ms=QUICK_MS, optional=True),
        AtCommand("AT+VIT=0", limit_ms=QUICK_MS, optional=True),
        *(
            AtCommand(f"AT+VG{way}={gain}", limit_ms=QUICK_MS, optional=True)
            for way, gain in gains
            if gain is not None
        ),
    )


def answer() -> tuple[ScriptStep, ...]:
    """Take the line off hook: instant and predictable, unlike ATA (v253.md 1.3)."""
    return (AtCommand("AT+VLS=1", limit_ms=3000),)


def stream(kind: Stream) -> tuple[ScriptStep, ...]:
    """End the stream that runs, if any, and start one of `kind`.

    Tried once: a lost CONNECT leaves the modem streaming, where a command would be sound. Only a
    refusal is asked about again; a modem that says ERROR twice has no +VTR, whatever its make.
    """
    text = ACTIONS[kind]
    if kind is Stream.DUPLEX:
        return (EndStream(), AtCommand(text, tries=1, otherwise=(text,), answers=REFUSED))
    return (EndStream(), AtCommand(text, tries=1))


def stream_again(kind: Stream) -> tuple[ScriptStep, ...]:
    """Start a stream that broke off; refused, it was the line that went, not the modem's gift."""
    return (AtCommand(ACTIONS[kind], tries=1),)


def end(*, cut: bool) -> tuple[ScriptStep, ...]:
    """End the stream that runs."""
    return (EndStream(cut=cut),)


def flash(settings: LineSettings, digits: str) -> tuple[ScriptStep, ...]:
    """Flash the hook; with `digits` pause for the PBX's dial tone, then send them (+VTS).

    `{!,n}` flashes for n x 10 ms: a modem's own flash may be a hang-up here (v253.md 1.3, 5).
    """
    hook = AtCommand(f"AT+VTS={{!,{settings.flash_ms // 10}}}", tries=1, answers=REFUSED)
    if not digits:
        return (EndStream(cut=True), hook)
    pause = Wait(settings.pbx_pause_ms or PBX_PAUSE_MS)
    return (EndStream(cut=True), hook, pause, *_tones(digits))


def digits(digits: str) -> tuple[ScriptStep, ...]:
    """Send digits on a line that is off hook, ending the stream that runs."""
    return (EndStream(cut=True), *_tones(digits))


def _tones(digits: str) -> Iterator[AtCommand]:
    """Yield +VTS commands of 80 ms digits; a comma is a pause of 1 s.

    "OK only after the last element finished"; a body may have 50 characters (v253.md 1.1, 1.3).
    """
    elements = [_PAUSE if d == "," else f"{{{d},8}}" for d in digits if _DIGIT.fullmatch(d)]
    for at in range(0, len(elements), DIGITS_AT_ONCE):
        some = ",".join(elements[at : at + DIGITS_AT_ONCE])
        limit_ms = 5000 + 1000 * DIGITS_AT_ONCE
        yield AtCommand(f"AT+VTS={some}", limit_ms, tries=1, answers=REFUSED)


def dial(
    settings: LineSettings, dialect: Dialect, voice_format: VoiceFormat, digits: str
) -> tuple[ScriptStep, ...]:
    """Enter voice mode, seize the line and dial; with `;` OK means dialled, never answered (1.3).

    Tried once: a second attempt is the desk's decision.
    """
    number = "".join(d for d in digits if _DIGIT.fullmatch(d))
    limit_ms = 10_000 + 1000 * len(number)
    call = AtCommand(f"ATDT{number};", limit_ms, tries=1, answers=NOT_DIALLED)
    return (*prepare(settings, dialect, voice_format), call)


def withdraw() -> tuple[ScriptStep, ...]:
    """Leave voice mode without having answered."""
    return _to_idle()


def hang_up() -> tuple[ScriptStep, ...]:
    """End any stream at once, go on hook, and prove it."""
    return (EndStream(cut=True), AtCommand("ATH"), *_to_idle())


def _to_idle() -> tuple[ScriptStep, ...]:
    """Idle in class 0 with caller id on, where its lines are plain text; then the proof of it."""
    return (
        AtCommand("AT+FCLASS=0"),
        AtCommand("AT+VCID=1", optional=True),
        AtCommand("AT"),
        _prove_class_0(),
    )


def _prove_class_0() -> AtCommand:
    return AtCommand("AT+FCLASS?", accept=lambda lines: any(map(_CLASS_0.match, lines)))
