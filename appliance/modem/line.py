"""One analog line with its voice modem: port bytes and time in, line events and bytes out.

No port, no clock. `LineDriver` is the interface; `LineMachine` follows the table in table.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from appliance.calls.events import LineCondition
from appliance.deadlines import earliest
from appliance.errors import Bug
from appliance.modem import events, scripts
from appliance.modem.caller_id import RingSequence
from appliance.modem.dialects import CONEXANT, choose_vsm, identify
from appliance.modem.events import (
    Identified,
    Recovery,
    RingReceived,
    Signal,
    Signalled,
    SoundReceived,
    Stream,
)
from appliance.modem.scripts import (
    CallerIdOrder,
    ScriptDone,
    ScriptFailed,
    ScriptRefused,
    ScriptRunner,
)
from appliance.modem.table import (
    ANSWERED,
    HEARING,
    RINGING,
    SIGNALLING,
    TABLE,
    TIMERS,
    Announce,
    LineInput,
    LineStage,
    Script,
)
from appliance.modem.v253 import OK, CallerIdReceived, DigitFilter, EventCode, Modem, StreamEnded
from appliance.text import Words

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Mapping

    from appliance.dsp.wav import Law
    from appliance.modem.dialects import VoiceFormat, VoltageProbe
    from appliance.modem.events import LineEvent
    from appliance.modem.scripts import LineSettings, ScriptOutcome, ScriptStep
    from appliance.modem.v253 import ModemEvent


SOON_MS = 1000
"""Time (ms) to the next reading after a call, and after a reading that differs from the last."""
# A lifted telephone ends the ringing: a ring within two cadences refutes the report.
FALSE_PICKUP_S = 8.0
"""Time (s) after a reported pick-up within which a ring proves the report false."""


class PairCondition:
    """Condition of one line's pair of wires while its modem is idle, confirmed by two readings.

    `news` is True from a change until it was reported.
    """

    def __init__(self) -> None:
        self.condition = LineCondition.UNKNOWN
        self.news = False
        self._seen = LineCondition.UNKNOWN
        self._mute = False
        self._picked_up_at = float("-inf")
        self._trusts_pickups = True

    def wait_ms(self, probe: VoltageProbe | None, otherwise_ms: int) -> int:
        """Return the time (ms) to the next reading; `otherwise_ms` without a usable probe."""
        if probe is None or self._mute:
            return otherwise_ms
        if self._seen is not self.condition or self.condition is LineCondition.UNKNOWN:
            return SOON_MS
        return probe.every_ms if self.condition is LineCondition.FREE else probe.again_ms

    def read(self, probe: VoltageProbe | None, reply: Iterable[str]) -> None:
        """Evaluate the reply to a probe."""
        reading = condition_of(probe, reply) if probe else LineCondition.UNKNOWN
        # A modem without an answer is asked only as often as the idle check asks it anyway.
        self._mute = reading is LineCondition.UNKNOWN
        # Two equal readings: a ring, a cable being plugged in or a telephone that dials by pulses
        # can make any single one.
        if reading is self._seen and reading is not self.condition:
            self.condition, self.news = reading, True
        self._seen = reading

    def rang(self, now: float) -> None:
        """Discard the condition after a ring: there is a line, and no other telephone is using it.

        A ring soon after a reported pick-up proves that report false.
        """
        if now - self._picked_up_at < FALSE_PICKUP_S:
            self._trusts_pickups = False
        self.condition = self._seen = LineCondition.UNKNOWN
        self.news = False

    def picked_up(self, now: float, probe: VoltageProbe | None) -> bool:
        """Note the modem's report of a lifted telephone; False if its reports proved false."""
        self._picked_up_at = now
        # Only a probe can tell when the telephone is put down again: without one the condition
        # stays unknown.
        if self._trusts_pickups and probe is not None:
            self.condition = self._seen = LineCondition.IN_USE
            self.news = True
        return self._trusts_pickups


def condition_of(probe: VoltageProbe, reply: Iterable[str]) -> LineCondition:
    """Convert the volts of a probe's reply to a condition; UNKNOWN without volts."""
    found = next((m for line in reply if (m := re.match(probe.answer, line.strip()))), None)
    if found is None:
        return LineCondition.UNKNOWN
    volts = float(found[1])
    if volts < probe.no_line:
        return LineCondition.NO_LINE
    return LineCondition.IN_USE if volts < probe.in_use else LineCondition.FREE


# ---- line machine: one line's stage, timers and scripts, by the table --------------------------

# Rings and identities from then on belong to the next call.
ENDINGS = frozenset({Script.HANG_UP, Script.WITHDRAW})
"""The scripts that end a call."""
STILL_RINGING = RINGING | {LineStage.OFF, LineStage.RESUMING, LineStage.FAILED}
"""The stages from which a caller may still ring while the modem is initialised."""
BROKE_OFF_S = 5.0
"""Time (s) within which a second broken stream counts as a modem in trouble."""
LADDER = (
    Recovery.DROP_DTR,
    Recovery.REOPEN,
    Recovery.RESET_USB,
    Recovery.POWER_CYCLE,
    Recovery.REPLUG,
)
"""Recovery steps, one a failure, after in-band recovery has failed (v253.md 4).

The last one is repeated, without new reports, until the modem comes up.
"""


class LineMachine:
    """Stage of one line, and all that a transition of `TABLE` does.

    `kind`, `cut` and `digits` are the arguments of the last command, read when its script begins.
    `ended` is the stream that ended last.
    """

    def __init__(self, settings: LineSettings) -> None:
        self.settings = settings
        self.stage = LineStage.OFF
        self.timers: dict[LineInput, float] = {}
        self.modem = Modem(settings.first_dialect)
        self.runner = ScriptRunner(self.modem)
        self.ringing = RingSequence()
        self.pair = PairCondition()
        self.format: VoiceFormat | None = None
        self.needs: Recovery | None = None
        self.kind = self.ended = Stream.DUPLEX
        self.cut = False
        self.digits = ""
        self._rung = 0
        self._named = ""
        self._no_duplex: str | None = None
        self._broke_off: tuple[Words, float] = (scripts.NO_DUPLEX, float("-inf"))
        self._fault: tuple[Words, Recovery | None] | None = None

    @property
    def duplex(self) -> bool:
        """True when sound can flow both ways at once: proven on the unit, or by its make."""
        # A modem that has refused +VTR overrules both, until one of another name is plugged in.
        if self._no_duplex is not None and self._no_duplex == self._named:
            return False
        proven = self.settings.duplex
        return self.modem.dialect.duplex if proven is None else proven

    @property
    def probe(self) -> VoltageProbe | None:
        """Command that measures the pair's volts; None for a modem that cannot."""
        if self.settings.voltage is False:
            return None
        return self.modem.dialect.probe or (CONEXANT.probe if self.settings.voltage else None)

    @property
    def knows_caller(self) -> bool:
        """True when the identity can be settled now: it has arrived, or none is to be expected."""
        never = self.settings.caller_id is CallerIdOrder.NONE and self.ringing.unsettled
        return self.ringing.news or never

    def step(self, what: LineInput, now: float) -> tuple[LineEvent, ...]:
        """Take the transition for an input; one without a row does nothing (see IGNORED)."""
        rule = TABLE[self.stage].get(what)
        if rule is None:
            return ()
        before, self.stage = self.stage, rule.to
        gone = rule.run is Script.SYNC and before not in STILL_RINGING
        if rule.run in ENDINGS or what is LineInput.RING_GAP or gone:
            self.ringing = RingSequence()
        self.timers.pop(what, None)
        running = TIMERS.get(rule.to, frozenset())
        self.timers = {name: at for name, at in self.timers.items() if name in running}
        said = _SAYINGS[rule.say](self) if rule.say else ()
        if rule.to is not before:
            self._arm(running, now)
        outcome = self._begin(rule.run, now) if rule.run else None
        return (*said, *self.conclude(outcome, now))

    def conclude(self, outcome: ScriptOutcome | None, now: float) -> tuple[LineEvent, ...]:
        """Convert a script's outcome to an input of the table."""
        match outcome:
            case ScriptFailed(reason):
                self._fault = (reason, None)
                return self.step(LineInput.TROUBLE, now)
            case ScriptRefused(reason):
                self._fault = (reason, Recovery.REPLACE)
                return self.step(LineInput.REFUSED, now)
            case ScriptDone() if self.stage is LineStage.CONFIGURING and self._rings(now):
                return self.step(LineInput.UP_RINGING, now)
            case ScriptDone() if self.stage is LineStage.STARTING and self.runner.refused:
                self._no_duplex = self._named
                return self.step(LineInput.NO_DUPLEX, now)
            case ScriptDone():
                return self.step(LineInput.DONE, now)
        return ()

    def break_off(self, result: str, now: float) -> tuple[LineEvent, ...]:
        """Handle a stream that the modem has ended by itself: start another, or recover."""
        reason, again = scripts.broke_off(result), now - self._broke_off[1] < BROKE_OFF_S
        self._broke_off = reason, now
        # After OK another stream keeps the caller; any other result means that the line is gone.
        if result != OK or again:
            return self.conclude(ScriptFailed(reason), now)
        return self.step(LineInput.BROKE_OFF, now)

    def start(self, now: float) -> tuple[LineEvent, ...]:
        """Initialise the modem; only make it ready to answer where a caller still rings."""
        self._fault = None
        if self.stage is LineStage.OFF and self._rings(now):
            return self.step(LineInput.RESUME, now)
        self.ringing = RingSequence()
        return self.step(LineInput.START, now)

    def found_ringing(self, modem: str, ringing: RingSequence) -> None:
        """Take over, before the start, a ringing that the previous process heard at `modem`."""
        self._named, self.ringing = modem, ringing
        # By its name: a ringing modem is not asked who it is.
        if self.settings.is_auto:
            self.modem.dialect = identify([modem])

    def _rings(self, now: float) -> bool:
        """Return whether the last ring is so recent that the caller may still ring."""
        gap_s = self.settings.ring_gap_ms / 1000
        return self.ringing.count > 0 and now - self.ringing.latest < gap_s

    def lose(self, reason: Words, least: Recovery, now: float) -> tuple[LineEvent, ...]:
        """Fail the line on a lost port; `least` is the lowest recovery that can help."""
        self._fault = (reason, least)
        return self.step(LineInput.LOST, now)

    def set_timer(self, name: LineInput, at: float) -> None:
        """Set a timer to `at` (monotonic s), if it runs in this stage."""
        if name in TIMERS.get(self.stage, ()):
            self.timers[name] = at

    def expire(self, now: float) -> tuple[LineEvent, ...]:
        """Take the transition of every due timer, the oldest first."""
        events: list[LineEvent] = []
        for _, name in sorted((at, name) for name, at in self.timers.items() if at <= now):
            # An earlier transition may have stopped it.
            if self.timers.pop(name, None) is not None:
                events += self.step(name, now)
        return tuple(events)

    def _arm(self, running: frozenset[LineInput], now: float) -> None:
        """Start the timers of a stage that was just entered."""
        if LineInput.IDENTITY_LIMIT in running:
            limit_s = self.settings.identity_limit_ms / 1000
            self.timers[LineInput.IDENTITY_LIMIT] = self.ringing.since + limit_s
            # Ring and identity may have come before the line was idle: settle them at once.
            if self.knows_caller:
                self.timers[LineInput.IDENTITY] = now
        if LineInput.RING_GAP in running and LineInput.RING_GAP not in self.timers:
            # The caller has been ringing since before this stage.
            gap_s = self.settings.ring_gap_ms / 1000
            self.timers[LineInput.RING_GAP] = self.ringing.latest + gap_s
        if LineInput.IDLE_CHECK in running and self.settings.idle_check_ms:
            wait_ms = self.pair.wait_ms(self.probe, self.settings.idle_check_ms)
            self.timers[LineInput.IDLE_CHECK] = now + wait_ms / 1000

    def _begin(self, script: Script, now: float) -> ScriptOutcome | None:
        # SYNC recovers a modem that may answer nothing: it must not wait for an earlier command.
        begin = self.runner.restart if script is Script.SYNC else self.runner.begin
        return begin(_SCRIPTS[script](self), now)

    def _configure(self) -> tuple[ScriptStep, ...]:
        if self.settings.is_auto:
            self.modem.dialect = identify(self._identity())
        return scripts.configure(self.settings, self.modem.dialect)

    def _prepare(self) -> tuple[ScriptStep, ...]:
        return scripts.prepare(self.settings, self.modem.dialect, self._format())

    def _dial(self) -> tuple[ScriptStep, ...]:
        return scripts.dial(self.settings, self.modem.dialect, self._format(), self.digits)

    def _format(self) -> VoiceFormat:
        if self.format is None:
            raise Bug("a line rang before it was up")
        return self.format

    def _identity(self) -> list[str]:
        kept = (*self.runner.kept[scripts.MAKER], *self.runner.kept[scripts.PRODUCT])
        return [scripts.plain_name(line) for line in kept]

    def _up(self) -> tuple[LineEvent, ...]:
        # A modem taken over while ringing was not asked: its name is known.
        if scripts.MAKER in self.runner.kept:
            self._named = " ".join(self._identity())
        self.format = choose_vsm(self.runner.kept[scripts.FORMATS], self.modem.dialect)
        if self.format is None:
            raise Bug("a modem without a voice format came up")
        self._rung, self.needs = 0, None
        up = events.Up(self._named, self.duplex, self.format.law)
        self.pair = PairCondition()
        if self._fault is None:
            return (up,)
        return (events.RecoveryDone(self._fault[0]), up, *self._idle())

    def _up_anew(self) -> tuple[LineEvent, ...]:
        self.ringing = RingSequence()
        return self._up()

    def _up_ringing(self) -> tuple[LineEvent, ...]:
        return (*self._up(), *self.ringing.told())

    def _identified(self) -> tuple[LineEvent, ...]:
        # The identity reported now must not be reported again as late.
        self.timers.pop(LineInput.IDENTITY, None)
        told = self.ringing.told()
        settled = self.ringing.settle()
        return () if told and told[0].known == settled else (settled,)

    def _idle(self) -> tuple[LineEvent, ...]:
        self._fault = None
        return (events.Idle(), *self._news())

    def _found(self) -> tuple[LineEvent, ...]:
        self.pair.read(self.probe, self.runner.kept.get(scripts.VOLTS, ()))
        return self._news()

    def _news(self) -> tuple[LineEvent, ...]:
        news, self.pair.news = self.pair.news, False
        return (events.PairMeasured(self.pair.condition),) if news else ()

    def _rang(self) -> tuple[LineEvent, ...]:
        return (events.RingReceived(self.ringing.count),)

    def _failed(self) -> tuple[LineEvent, ...]:
        if self._fault is None:
            raise Bug("a line failed for no reason")
        reason, wish = self._fault
        self.needs = wish if wish and wish not in LADDER else self._climb(wish)
        return (events.Failed(reason, self.needs),)

    def _climb(self, least: Recovery | None) -> Recovery:
        """Return the next step of the recovery ladder, `least` or higher."""
        rung = max(self._rung, LADDER.index(least or LADDER[0]))
        self._rung = min(rung + 1, len(LADDER) - 1)
        return LADDER[rung]

    def _recovering(self) -> tuple[LineEvent, ...]:
        if self._fault is None:
            raise Bug("a line recovers from nothing")
        return (events.RecoveryStarted(self._fault[0]),)


_SCRIPTS: Mapping[Script, Callable[[LineMachine], tuple[ScriptStep, ...]]] = {
    Script.SYNC: lambda _: scripts.sync(),
    Script.RESUME: lambda life: scripts.resume(life.modem.dialect),
    Script.INQUIRE: lambda life: scripts.inquire(life.settings.first_dialect),
    Script.CONFIGURE: LineMachine._configure,
    Script.CHECK: lambda life: scripts.check(life.probe),
    Script.PREPARE: LineMachine._prepare,
    Script.ANSWER: lambda life: scripts.answer(life.modem.dialect),
    Script.STREAM: lambda life: scripts.stream(life.kind),
    Script.STREAM_AGAIN: lambda life: scripts.stream_again(life.kind),
    Script.END: lambda life: scripts.end(cut=life.cut),
    Script.FLASH: lambda life: scripts.flash(life.settings, life.digits),
    Script.DIGITS: lambda life: scripts.digits(life.digits),
    Script.DIAL: LineMachine._dial,
    Script.WITHDRAW: lambda life: scripts.withdraw(life.modem.dialect),
    Script.HANG_UP: lambda life: scripts.hang_up(life.modem.dialect),
}
_SAYINGS: Mapping[Announce, Callable[[LineMachine], tuple[LineEvent, ...]]] = {
    Announce.UP: LineMachine._up_anew,
    Announce.UP_RANG: LineMachine._up_ringing,
    Announce.RESUMED: LineMachine._up_ringing,
    Announce.RANG: LineMachine._rang,
    Announce.IDENTIFIED: LineMachine._identified,
    Announce.LATE: lambda life: (life.ringing.settle(late=True),),
    Announce.GAVE_UP: lambda _: (events.GaveUp(),),
    Announce.TAKEN: lambda _: (events.ExtensionAnswered(),),
    Announce.FOUND: LineMachine._found,
    Announce.PREPARED: lambda _: (events.Prepared(),),
    Announce.OFF_HOOK: lambda _: (events.OffHook(),),
    Announce.STREAMING: lambda life: (events.Streaming(life.kind),),
    Announce.BROKE_OFF: lambda life: (events.BrokeOff(life._broke_off[0]),),
    Announce.NO_DUPLEX: lambda _: (events.HalfDuplex(scripts.NO_DUPLEX),),
    Announce.STOPPED: lambda life: (events.Stopped(life.ended),),
    Announce.FLASHED: lambda life: (events.FlashSent(not life.runner.refused),),
    Announce.DIGITS_SENT: lambda life: (events.DigitsSent(not life.runner.refused),),
    Announce.DIALLED: lambda life: (events.NumberSent(life.runner.refused or OK),),
    Announce.IDLE: LineMachine._idle,
    Announce.IDLE_RANG: lambda life: (*life._idle(), *life._rang()),
    Announce.RECOVERING: LineMachine._recovering,
    Announce.FAILED: LineMachine._failed,
}


# A name may follow the number at once; most exchanges of Europe send none (v253.md 3).
# Time (s) from the number to settling the identity without a name.
GRACE_S = 0.04


class LineDriver:
    """Driver of one line: bytes and time in, events and bytes out.

    `now` is monotonic seconds. `receive_data`, `handle_timer` and every command return the events
    that they caused; after each, write `data_to_send()` and wait for `next_deadline()`.
    """

    def __init__(self, name: str, settings: LineSettings) -> None:
        self.name = name
        self._life = LineMachine(settings)
        self._digits = DigitFilter()
        self._out = bytearray()

    def found_ringing(self, modem: str, known: Identified, at: float) -> None:
        """Take over, before the start, a ringing heard by the previous process.

        `modem` is the modem's name, `at` the last ring (monotonic s).
        """
        # The exchange sends the identity once a call: the previous process has what there is.
        self._life.found_ringing(modem, RingSequence.found(known.caller, known.dated, at))

    # --- commands ----------------------------------------------------------------------------

    def start(self, now: float) -> tuple[LineEvent, ...]:
        """Initialise the modem from any state in which it is found; ends in Up or Failed."""
        # Sound of an earlier stream would be text to a modem in its command state.
        self._out.clear()
        return self._life.start(now)

    def answer(self, now: float) -> tuple[LineEvent, ...]:
        """Take the ringing line off hook; OffHook follows."""
        return self._life.step(LineInput.ANSWER, now)

    def start_stream(self, kind: Stream, now: float) -> tuple[LineEvent, ...]:
        """Start a stream, after playing another one to its end; Streaming follows.

        Does nothing when that kind runs already. Raises Bug for a duplex stream on a half-duplex
        line: the caller must look at `duplex` first.
        """
        if kind is Stream.DUPLEX and not self.duplex:
            raise Bug(f"line {self.name} is half duplex")
        if self.stage is LineStage.STREAMING and self.streaming is kind:
            return ()
        self._life.kind = kind
        return self._life.step(LineInput.START_STREAM, now)

    def end_stream(self, now: float, *, cut: bool = False) -> tuple[LineEvent, ...]:
        """End the stream; Stopped follows once the modem's buffer is played, with `cut` at once."""
        self._life.cut = cut
        return self._life.step(LineInput.END_STREAM, now)

    def flash(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """Flash the hook and, after a pause, send `digits` to the PBX; FlashSent follows."""
        self._life.digits = digits
        return self._life.step(LineInput.FLASH, now)

    def send_digits(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """End the stream and send digits on the line off hook; DigitsSent follows."""
        self._life.digits = digits
        return self._life.step(LineInput.SEND_DIGITS, now)

    def dial(self, digits: str, now: float) -> tuple[LineEvent, ...]:
        """Seize the idle line and dial; NumberSent follows. Does nothing on a line in use."""
        self._life.digits = digits
        return self._life.step(LineInput.DIAL, now)

    def hang_up(self, now: float) -> tuple[LineEvent, ...]:
        """Put the line on hook; Idle follows once the modem has proven itself idle."""
        return self._life.step(LineInput.HANG_UP, now)

    def lost(
        self, reason: Words, now: float, least: Recovery = Recovery.REOPEN
    ) -> tuple[LineEvent, ...]:
        """Fail the line on a lost port; returns Failed. Call `start` when the port is open again.

        `least` is the lowest step of the ladder that can help, or what only a person can do.
        """
        return self._life.lose(reason, least, now)

    def send_samples(self, samples: bytes) -> None:
        """Queue sound in the modem's law; ignored unless a stream runs.

        Raises Bug in a stream from the line only.
        """
        # Behind a stream's end it would be text to the modem.
        if self.stage is LineStage.STREAMING:
            self._out += self._life.modem.send_samples(samples)

    # --- bytes and time ----------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> tuple[LineEvent, ...]:
        """Handle bytes from the port and return the events in them."""
        events: list[LineEvent] = []
        for event in self._life.modem.receive_data(data):
            if not isinstance(event, SoundReceived):
                events += self._receive(event, now)
            # STREAMING is tested by identity first: an enum's hash is a call, made for every piece.
            elif self.stage is LineStage.STREAMING or self.stage in HEARING:
                events.append(event)
        return tuple(events)

    def handle_timer(self, now: float) -> tuple[LineEvent, ...]:
        """Run the script's deadline and the timers that are due at `now`."""
        outcome = self._life.runner.handle_timer(now)
        return (*self._life.conclude(outcome, now), *self._life.expire(now))

    def next_deadline(self) -> float | None:
        """Return when `handle_timer` is due, or None."""
        return earliest((self._life.runner.next_deadline(), *self._life.timers.values()))

    def data_to_send(self) -> bytes:
        """Return and clear the bytes to write to the port: sound, then the stream's end."""
        data = bytes(self._out) + self._life.runner.data_to_send()
        self._out.clear()
        return data

    # --- state -------------------------------------------------------------------------------

    @property
    def stage(self) -> LineStage:
        """Stage of the line in `TABLE`."""
        return self._life.stage

    @property
    def needs(self) -> Recovery | None:
        """Recovery that a failed line needs before it is started again."""
        return self._life.needs

    @property
    def duplex(self) -> bool:
        """True when sound can flow both ways at once."""
        return self._life.duplex

    @property
    def law(self) -> Law | None:
        """Companding law of the samples, None before the line was up."""
        return self._life.format.law if self._life.format else None

    @property
    def streaming(self) -> Stream | None:
        """Kind of the stream that runs in the modem."""
        return self._life.modem.streaming

    @property
    def replies(self) -> Counter[tuple[str, str]]:
        """Count of what came of each command, by its text and its result ("": none came)."""
        return self._life.runner.replies

    @property
    def rang_at(self) -> float:
        """Time (monotonic s) of the last ring."""
        return self._life.ringing.latest

    @property
    def ringing(self) -> tuple[LineEvent, ...]:
        """Events reported of a caller who still rings, () without one."""
        return self._life.ringing.told() if self.stage in RINGING else ()

    # --- events of the modem -----------------------------------------------------------------

    def _receive(self, event: ModemEvent, now: float) -> tuple[LineEvent, ...]:
        events: tuple[LineEvent, ...] = ()
        match event:
            case EventCode("R"):
                events = self._on_ring(now)
            case EventCode(code):
                events = self._on_code(code, now)
            case CallerIdReceived():
                events = self._on_caller_id(event, now)
            case StreamEnded():
                events = self._on_stream_ended(event, now)
        outcome = self._life.runner.receive(event, now)
        return (*events, *self._life.conclude(outcome, now))

    def _on_stream_ended(self, ended: StreamEnded, now: float) -> tuple[LineEvent, ...]:
        """Handle a stream's end, ordered or not."""
        life = self._life
        # Unordered, the modem broke it off, and perhaps the connection as well (+VIT, v253.md 1.3).
        if self.stage is LineStage.STREAMING:
            life.kind = ended.kind
            return life.break_off(ended.result, now)
        life.ended = ended.kind
        return life.step(LineInput.STREAM_ENDED, now)

    def _on_ring(self, now: float) -> tuple[LineEvent, ...]:
        life = self._life
        life.ringing.on_ring(now)
        life.pair.rang(now)
        events = life.step(LineInput.RING, now)
        life.set_timer(LineInput.RING_GAP, now + life.settings.ring_gap_ms / 1000)
        if life.knows_caller:
            events = _with_caller(events, life.step(LineInput.IDENTITY, now))
        return events

    def _on_caller_id(self, event: CallerIdReceived, now: float) -> tuple[LineEvent, ...]:
        """Settle the identity at once when it is complete; else wait GRACE_S for a name."""
        ringing = self._life.ringing
        # An outgoing call has no caller to identify.
        if self.stage in ANSWERED and not ringing.count:
            return ()
        ringing.on_caller_id(event, now)
        if ringing.news and (event.whole or ringing.complete):
            return self._life.step(LineInput.IDENTITY, now)
        if ringing.news:
            self._life.set_timer(LineInput.IDENTITY, now + GRACE_S)
        return ()

    def _on_pickup(self, now: float) -> tuple[LineEvent, ...]:
        """Leave a ringing call to a lifted extension telephone, if the report is trusted."""
        believed = self._life.pair.picked_up(now, self._life.probe)
        return self._life.step(LineInput.PICKUP, now) if believed else ()

    def _on_code(self, code: str, now: float) -> tuple[LineEvent, ...]:
        dialect = self._life.modem.dialect
        if self.stage in RINGING and dialect.signals.get(code) is Signal.EXTENSION_PICKUP:
            return self._on_pickup(now)
        if self.stage not in SIGNALLING:
            return ()
        if self.streaming and code in dialect.ignored.get(self.streaming, ()):
            return ()
        if digit := self._digits.receive(code, now):
            return (Signalled(Signal.DIGIT, digit),)
        signal = dialect.signals.get(code)
        return (Signalled(signal),) if signal else ()


def _with_caller(rang: tuple[LineEvent, ...], then: tuple[LineEvent, ...]) -> tuple[LineEvent, ...]:
    """Merge a ring and an identity that came before it into one event."""
    # Call control then rings the phones with the caller's identity.
    match rang, then:
        case (*before, RingReceived(count)), (Identified() as known, *after):
            return (*before, RingReceived(count, known), *after)
    return (*rang, *then)
