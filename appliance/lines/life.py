"""Follows the table: one line's stage, its timers, the scripts it runs and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import Bug
from appliance.lines import facts, scripts, sentences
from appliance.lines.dialects import CONEXANT, DIALECTS, GENERIC, choose_vsm, identify
from appliance.lines.facts import Recovery, Stream
from appliance.lines.modem import Modem
from appliance.lines.pair import Pair
from appliance.lines.replies import OK
from appliance.lines.ringing import Ringing
from appliance.lines.script import Runner
from appliance.lines.settings import AUTO, CallerIdOrder
from appliance.lines.steps import Done, Refused, Trouble
from appliance.lines.table import RINGING, TABLE, TIMERS, Input, Say, Script, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from appliance.lines.dialects import Probe, VoiceFormat
    from appliance.lines.facts import LineEvent
    from appliance.lines.sentences import Sentence
    from appliance.lines.settings import LineSettings
    from appliance.lines.steps import Outcome, Step

ENDINGS = frozenset({Script.HANG_UP, Script.WITHDRAW})
"""The scripts that end a call: what rings, or is told of, from then on is the next."""
STILL_RINGING = RINGING | {Stage.OFF, Stage.RESUMING, Stage.FAILED}
"""The stages after which whoever rang may ring still, though the modem is initialised."""
BROKE_OFF_S = 5.0
"""A stream that breaks off again so soon is no stream."""
LADDER = (
    Recovery.DROP_DTR,
    Recovery.REOPEN,
    Recovery.RESET_USB,
    Recovery.POWER_CYCLE,
    Recovery.REPLUG,
)
"""What a line asks for, failure after failure, once in-band recovery was of no use (v253.md 4).

The last one stays until the modem comes up: the line is out, and is tried quietly for ever.
"""


class Life:
    """The stage of one line and everything a transition of `TABLE` does.

    `kind`, `cut` and `digits` are what the last order asked for, read when its script begins.
    `ended` is the stream that ended last.
    """

    def __init__(self, settings: LineSettings) -> None:
        self.settings = settings
        self.stage = Stage.OFF
        self.timers: dict[Input, float] = {}
        self.modem = Modem(DIALECTS.get(settings.dialect, GENERIC))
        self.runner = Runner(self.modem)
        self.ringing = Ringing()
        self.pair = Pair()
        self.format: VoiceFormat | None = None
        self.needs: Recovery | None = None
        self.kind = self.ended = Stream.DUPLEX
        self.cut = False
        self.digits = ""
        self._rung = 0
        self._named = ""
        self._no_duplex: str | None = None
        self._broke_off: tuple[Sentence, float] = (sentences.NO_DUPLEX, float("-inf"))
        self._fault: tuple[Sentence, Recovery | None] | None = None

    @property
    def duplex(self) -> bool:
        """True when sound can flow both ways at once: proven on the unit, or by its make.

        Neither holds against the modem's own word, until another one is plugged in.
        """
        if self._no_duplex is not None and self._no_duplex == self._named:
            return False
        proven = self.settings.duplex
        return self.modem.dialect.duplex if proven is None else proven

    @property
    def probe(self) -> Probe | None:
        """How the pair's volts are asked for; None where the modem cannot tell them."""
        if self.settings.voltage is False:
            return None
        return self.modem.dialect.probe or (CONEXANT.probe if self.settings.voltage else None)

    @property
    def knows_caller(self) -> bool:
        """True when the identity can be settled now: somebody new is known, or nobody will be."""
        never = self.settings.caller_id is CallerIdOrder.NONE and self.ringing.unsettled
        return self.ringing.news or never

    def step(self, what: Input, now: float) -> tuple[LineEvent, ...]:
        """Follow the table; an input without a row does nothing (see IGNORED)."""
        rule = TABLE[self.stage].get(what)
        if rule is None:
            return ()
        before, self.stage = self.stage, rule.to
        gone = rule.run is Script.SYNC and before not in STILL_RINGING
        if rule.run in ENDINGS or what is Input.RING_GAP or gone:
            self.ringing = Ringing()
        self.timers.pop(what, None)  # what happened is waited for no longer
        running = TIMERS.get(rule.to, frozenset())
        self.timers = {name: at for name, at in self.timers.items() if name in running}
        said = _SAYINGS[rule.say](self) if rule.say else ()
        if rule.to is not before:
            self._arm(running, now)
        outcome = self._begin(rule.run, now) if rule.run else None
        return (*said, *self.conclude(outcome, now))

    def conclude(self, outcome: Outcome | None, now: float) -> tuple[LineEvent, ...]:
        """Turn a script's end into the table's input."""
        match outcome:
            case Trouble(reason):
                self._fault = (reason, None)
                return self.step(Input.TROUBLE, now)
            case Refused(reason):
                self._fault = (reason, Recovery.REPLACE)
                return self.step(Input.REFUSED, now)
            case Done() if self.stage is Stage.CONFIGURING and self._rings(now):
                return self.step(Input.UP_RINGING, now)
            case Done() if self.stage is Stage.STARTING and self.runner.refused:
                self._no_duplex = self._named
                return self.step(Input.NO_DUPLEX, now)
            case Done():
                return self.step(Input.DONE, now)
        return ()

    def break_off(self, result: str, now: float) -> tuple[LineEvent, ...]:
        """The modem has ended its stream: another one keeps the caller, unless it was the line.

        One that breaks off again and again is a modem in trouble.
        """
        reason, again = sentences.broke_off(result), now - self._broke_off[1] < BROKE_OFF_S
        self._broke_off = reason, now
        if result != OK or again:
            return self.conclude(Trouble(reason), now)
        return self.step(Input.BROKE_OFF, now)

    def start(self, now: float) -> tuple[LineEvent, ...]:
        """Begin anew, with nothing to recover from; or where a call of the last owner rings."""
        self._fault = None
        if self.stage is Stage.OFF and self._rings(now):
            return self.step(Input.RESUME, now)
        self.ringing = Ringing()
        return self.step(Input.START, now)

    def found_ringing(self, modem: str, ringing: Ringing) -> None:
        """Know, before the start, that `modem` was heard ringing by its last owner."""
        self._named, self.ringing = modem, ringing
        if self.settings.dialect == AUTO:
            self.modem.dialect = identify([modem])

    def _rings(self, now: float) -> bool:
        """Tell whether somebody has rung, so lately that they may ring still."""
        gap_s = self.settings.ring_gap_ms / 1000
        return self.ringing.count > 0 and now - self.ringing.latest < gap_s

    def lose(self, reason: Sentence, least: Recovery, now: float) -> tuple[LineEvent, ...]:
        """Take note that the port is gone; less than `least` would be of no use."""
        self._fault = (reason, least)
        return self.step(Input.LOST, now)

    def set_timer(self, name: Input, at: float) -> None:
        """Start or move a timer, if it runs in this stage."""
        if name in TIMERS.get(self.stage, ()):
            self.timers[name] = at

    def expire(self, now: float) -> tuple[LineEvent, ...]:
        """Follow the table for every timer that is due, the oldest first."""
        events: list[LineEvent] = []
        for _, name in sorted((at, name) for name, at in self.timers.items() if at <= now):
            if self.timers.pop(name, None) is not None:
                events += self.step(name, now)
        return tuple(events)

    def _arm(self, running: frozenset[Input], now: float) -> None:
        """Start the timers that a stage starts by being entered."""
        if Input.IDENTITY_LIMIT in running:
            limit_s = self.settings.identity_limit_ms / 1000
            self.timers[Input.IDENTITY_LIMIT] = self.ringing.since + limit_s
            if self.knows_caller:  # it rang, and was told who calls, before the line was idle
                self.timers[Input.IDENTITY] = now
        if Input.RING_GAP in running and Input.RING_GAP not in self.timers:
            # somebody has been ringing since before this stage
            gap_s = self.settings.ring_gap_ms / 1000
            self.timers[Input.RING_GAP] = self.ringing.latest + gap_s
        if Input.IDLE_CHECK in running and self.settings.idle_check_ms:
            wait_ms = self.pair.wait_ms(self.probe, self.settings.idle_check_ms)
            self.timers[Input.IDLE_CHECK] = now + wait_ms / 1000

    def _begin(self, script: Script, now: float) -> Outcome | None:
        begin = self.runner.restart if script is Script.SYNC else self.runner.begin
        return begin(_SCRIPTS[script](self), now)

    def _configure(self) -> tuple[Step, ...]:
        if self.settings.dialect == AUTO:
            self.modem.dialect = identify(self._identity())
        return scripts.configure(self.settings, self.modem.dialect)

    def _prepare(self) -> tuple[Step, ...]:
        return scripts.prepare(self.settings, self.modem.dialect, self._format())

    def _dial(self) -> tuple[Step, ...]:
        return scripts.dial(self.settings, self.modem.dialect, self._format(), self.digits)

    def _format(self) -> VoiceFormat:
        if self.format is None:
            raise Bug("a line rang before it was up")
        return self.format

    def _identity(self) -> list[str]:
        kept = (*self.runner.kept[scripts.MAKER], *self.runner.kept[scripts.PRODUCT])
        return [line.removeprefix("+GMI:").strip() for line in kept]

    def _up(self) -> tuple[LineEvent, ...]:
        if scripts.MAKER in self.runner.kept:  # else it was found, and is known
            self._named = " ".join(self._identity())
        self.format = choose_vsm(self.runner.kept[scripts.FORMATS], self.modem.dialect)
        if self.format is None:
            raise Bug("a modem without a voice format came up")
        self._rung, self.needs = 0, None
        up = facts.Up(self._named, self.duplex, self.format.law)
        self.pair = Pair()
        if self._fault is None:
            return (up,)
        return (facts.Recovered(self._fault[0]), up, *self._idle())

    def _up_anew(self) -> tuple[LineEvent, ...]:
        self.ringing = Ringing()
        return self._up()

    def _up_ringing(self) -> tuple[LineEvent, ...]:
        return (*self._up(), *self.ringing.told())

    def _identified(self) -> tuple[LineEvent, ...]:
        self.timers.pop(Input.IDENTITY, None)  # what is told now is not told again as late
        told = self.ringing.told()
        settled = self.ringing.settle()
        return () if told and told[0].known == settled else (settled,)

    def _idle(self) -> tuple[LineEvent, ...]:
        self._fault = None
        return (facts.Idle(), *self._news())

    def _found(self) -> tuple[LineEvent, ...]:
        self.pair.read(self.probe, self.runner.kept.get(scripts.VOLTS, ()))
        return self._news()

    def _news(self) -> tuple[LineEvent, ...]:
        news, self.pair.news = self.pair.news, False
        return (facts.Found(self.pair.condition),) if news else ()

    def _rang(self) -> tuple[LineEvent, ...]:
        return (facts.Rang(self.ringing.count),)

    def _failed(self) -> tuple[LineEvent, ...]:
        if self._fault is None:
            raise Bug("a line failed for no reason")
        reason, wish = self._fault
        self.needs = wish if wish and wish not in LADDER else self._climb(wish)
        return (facts.Failed(reason, self.needs),)

    def _climb(self, least: Recovery | None) -> Recovery:
        """Return the next step of the ladder, `least` or higher."""
        rung = max(self._rung, LADDER.index(least or LADDER[0]))
        self._rung = min(rung + 1, len(LADDER) - 1)
        return LADDER[rung]

    def _recovering(self) -> tuple[LineEvent, ...]:
        if self._fault is None:
            raise Bug("a line recovers from nothing")
        return (facts.Recovering(self._fault[0]),)


_SCRIPTS: Mapping[Script, Callable[[Life], tuple[Step, ...]]] = {
    Script.SYNC: lambda _: scripts.sync(),
    Script.RESUME: lambda _: scripts.resume(),
    Script.INQUIRE: lambda _: scripts.inquire(),
    Script.CONFIGURE: Life._configure,
    Script.CHECK: lambda life: scripts.check(life.probe),
    Script.PREPARE: Life._prepare,
    Script.ANSWER: lambda _: scripts.answer(),
    Script.STREAM: lambda life: scripts.stream(life.kind),
    Script.STREAM_AGAIN: lambda life: scripts.stream_again(life.kind),
    Script.END: lambda life: scripts.end(cut=life.cut),
    Script.FLASH: lambda life: scripts.flash(life.settings, life.digits),
    Script.DIGITS: lambda life: scripts.digits(life.digits),
    Script.DIAL: Life._dial,
    Script.WITHDRAW: lambda _: scripts.withdraw(),
    Script.HANG_UP: lambda _: scripts.hang_up(),
}
_SAYINGS: Mapping[Say, Callable[[Life], tuple[LineEvent, ...]]] = {
    Say.UP: Life._up_anew,
    Say.UP_RANG: Life._up_ringing,
    Say.RESUMED: Life._up_ringing,
    Say.RANG: Life._rang,
    Say.IDENTIFIED: Life._identified,
    Say.LATE: lambda life: (life.ringing.settle(late=True),),
    Say.GAVE_UP: lambda _: (facts.GaveUp(),),
    Say.TAKEN: lambda _: (facts.Taken(),),
    Say.FOUND: Life._found,
    Say.PREPARED: lambda _: (facts.Prepared(),),
    Say.OFF_HOOK: lambda _: (facts.OffHook(),),
    Say.STREAMING: lambda life: (facts.Streaming(life.kind),),
    Say.BROKE_OFF: lambda life: (facts.BrokeOff(life._broke_off[0]),),
    Say.NO_DUPLEX: lambda _: (facts.HalfDuplex(sentences.NO_DUPLEX),),
    Say.STOPPED: lambda life: (facts.Stopped(life.ended),),
    Say.FLASHED: lambda life: (facts.Flashed(not life.runner.refused),),
    Say.DIGITS_SENT: lambda life: (facts.DigitsSent(not life.runner.refused),),
    Say.DIALLED: lambda life: (facts.Dialled(life.runner.refused or OK),),
    Say.IDLE: Life._idle,
    Say.IDLE_RANG: lambda life: (*life._idle(), *life._rang()),
    Say.RECOVERING: Life._recovering,
    Say.FAILED: Life._failed,
}
