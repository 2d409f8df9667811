"""One analog line between a caller and a modem, run by the modem's own sample clock.

Each tick the station asks `to_modem(n)` for what the pair brings and tells `from_modem(...)` what
the modem put on it. Sound is mu-law and passes unchanged unless an echo is switched on.
"""

from __future__ import annotations

import audioop
import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from appliance.dsp import g711
from appliance.simulator.exchange.audio import (
    alerting_tone,
    fsk_modulate,
    mdmf_message,
    samples_of,
    silence_of,
    slice_at,
)
from appliance.simulator.exchange.call import AnsweredParty, CallPlan, ExchangeCall, Party
from appliance.simulator.exchange.one_way import OneWay
from appliance.simulator.exchange.signals import (
    DigitDialled,
    ExtensionMoved,
    FarAnswered,
    IdentitySent,
    InformationSource,
    KeyBegan,
    KeyEnded,
    LoopBroke,
    LoopFlashed,
    RingRecognised,
    ToneSource,
    tone_loop,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from appliance.simulator.exchange.audio import Echo, RepeatedSound, WornPair
    from appliance.simulator.exchange.signals import Country, ModemAct, Signal, Tone


# ---- wire --------------------------------------------------------------------------------------
# States of a line, and the knobs that tests turn while it runs.


class SubscriberLineState(enum.StrEnum):
    """Where the line is, seen from the exchange."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    RELEASED = "released by the far end"
    OWN_CALL = "seized by the host"
    ON_HOLD = "caller on hold"


@dataclass(slots=True)
class LineKnobs:
    """The knobs of a line. `outgoing` is what becomes of a call the modem makes to a number that
    is none of `extensions`; `pbx`: a hook flash holds the caller and gives a register, with a dial
    tone of its own unless `dial_tone` is off. `lines` are those of the exchange by their numbers,
    which every line may dial; `caller` is who then calls from here, `release` how whoever talks to
    this line lets go of it. `hears` and `says` are what the line does to sound on either way, `ppm`
    how fast the crystal of the modem at its end runs. From the call after `id_calls` on, nobody is
    told who calls; every `ghost` samples an idle line rings without a call, 0 for never.
    """

    cut: bool = False
    volts: float | None = None
    extension_up: bool = False
    echo: Echo | None = None
    outgoing: str = "answer"
    pbx: bool = False
    dial_tone: bool = True
    extensions: dict[str, Party] = field(default_factory=dict)
    lines: dict[str, SubscriberLine] = field(default_factory=dict)
    caller: CallPlan = field(default_factory=CallPlan)
    release: str = "busy"
    hears: OneWay = field(default_factory=OneWay)
    says: OneWay = field(default_factory=OneWay)
    ppm: float = 0.0
    id_calls: int | None = None
    ghost: int = 0

    @property
    def worn(self) -> WornPair:
        """The pair on the way to the modem."""
        return self.hears.worn

    def register(self, country: Country) -> DigitRegister:
        """Give what a seized line, or one behind a flash, offers."""
        other = Party(self.outgoing)
        return DigitRegister(
            country,
            other,
            self.extensions,
            lines=self.lines,
            dial_tone=self.dial_tone,
            caller=self.caller,
            release=self.release,
            ppm=self.ppm,
        )

    def bring(self, sound: bytes, said: bytes) -> bytes:
        """Give what of the exchange's sound arrives at the modem, its own echo with it."""
        sound = self.hears.mix(sound, said)
        return self.echo.mix(sound) if self.echo else sound


# ---- line --------------------------------------------------------------------------------------


class SubscriberLine:
    """A line of a country's exchange."""

    def __init__(self, number: int, country: Country) -> None:
        self.number = number
        self.country = country
        self.wire = LineKnobs()
        self.state = SubscriberLineState.IDLE
        self.call: ExchangeCall | None = None
        self.calls = 0
        self.last_dialled = ""
        self._ringing: RingingPhase | None = None
        self._register: DigitRegister | None = None
        self._tone: ToneSource | None = None
        self._leavers = ReleasedCallers()
        self._signals: list[Signal] = []
        self._modem_up = False
        self._said = self._heard = b""
        self._until_ghost = 0

    @property
    def is_free(self) -> bool:
        """True when a call would ring."""
        return self.state is SubscriberLineState.IDLE and not self.wire.cut

    @property
    def held(self) -> bool:
        """True while the modem or another telephone on the pair is off hook."""
        return self._modem_up or self.wire.extension_up

    @property
    def volts(self) -> float:
        """Volts between tip and ring: 48 idle, 8 held, 1.4 with no line connected (-TRV)."""
        if self.wire.volts is not None:
            return self.wire.volts
        if self.wire.cut:
            return 1.4
        return 8.0 if self.held else 48.0

    # What people do

    def place(self, call: ExchangeCall) -> None:
        """Ring for a call; on a line in use the caller hears busy and the call is over."""
        self.calls += 1
        if self.state is not SubscriberLineState.IDLE:
            call.end("line busy")
            call.done = True
            return
        self.call = call
        told = self.wire.id_calls is None or self.calls <= self.wire.id_calls
        plan = call.plan if told else replace(call.plan, caller="none")
        self._ringing = RingingPhase(self.country, plan)
        self.state = SubscriberLineState.RINGING

    def move_extension(self, *, up: bool) -> None:
        """Lift or put down another telephone on the same pair."""
        self.wire.extension_up = up
        self._signals.append(ExtensionMoved(up))

    def cut(self, *, cut: bool) -> None:
        """Part or join the wires; a call on the line is lost."""
        self.wire.cut = cut
        if not cut:
            return
        if self._modem_up:
            self._signals.append(LoopBroke())
        if self.state in {SubscriberLineState.TALKING, SubscriberLineState.ON_HOLD} and self.call:
            self._finish(self.call, "line cut")

    # To the modem

    def to_modem(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the pair brings to the modem, and what the chip makes of it."""
        early, self._signals = self._signals, []
        if self.state is SubscriberLineState.IDLE and not self._leavers:
            return self.wire.bring(silence_of(n), b""), early + self._haunt(n)
        if self.call is not None:
            self.call.pass_time(n)
        if self._leavers:
            self._leavers.pass_time(n)
        sound, signals = self._sound(n)
        self._heard = sound
        mixed = self.wire.bring(sound, self._said)
        if self.wire.cut:
            return silence_of(n), early
        return mixed, early + signals

    def _haunt(self, n: int) -> list[Signal]:
        """Ring once on an idle line that nobody calls, whenever that is due."""
        if not self.wire.ghost or self._modem_up:
            return []
        self._until_ghost -= n
        if self._until_ghost > 0:
            return []
        self._until_ghost = self.wire.ghost
        return [RingRecognised(self.country.ring[0], self.country.ring[1])]

    def _sound(self, n: int) -> tuple[bytes, list[Signal]]:
        if self.state is SubscriberLineState.RINGING:
            return self._ring(n)
        if self.state is SubscriberLineState.TALKING and self.call is not None:
            return self._talk(self.call, n)
        if self.state is SubscriberLineState.ON_HOLD and self.call is not None:
            self._wait_on_hold(self.call, n)
        source = self._tone if self.state is SubscriberLineState.RELEASED else self._register
        return source.take(n) if source else (silence_of(n), [])

    def _ring(self, n: int) -> tuple[bytes, list[Signal]]:
        ringing, call = self._ringing, self.call
        assert ringing is not None
        assert call is not None
        sound, signals = ringing.take(n)
        if ringing.burst_began:
            call.rang()
        if ringing.given_up or call.wants_to_hang_up:
            self._finish(call, "gave up" if ringing.given_up else "caller")
            self.state = SubscriberLineState.IDLE
        return sound, signals

    def _talk(self, call: ExchangeCall, n: int) -> tuple[bytes, list[Signal]]:
        if call.hangs_up(n):
            self._release(call)
            return self._sound(n)
        return call.speak(n)

    def _wait_on_hold(self, call: ExchangeCall, n: int) -> None:
        """A caller on hold may hang up; the modem hears of it once it has flashed back."""
        if not call.report.ended_by and call.hangs_up(n):
            call.end("caller")

    def _release(self, call: ExchangeCall) -> None:
        """Let the far end hang up in its way; the line stays held until the host hangs up."""
        kind = call.plan.release
        if not call.report.ended_by:
            call.end("caller")
        call.report.release = kind
        self.state = SubscriberLineState.RELEASED
        self._tone = None
        if kind == "loop":
            self._signals.append(LoopBroke())
        elif kind != "silence":
            # No chip names congestion: it is in the table of events, but in no mask (v253.md 1.4).
            name = kind if kind in {"dial", "congestion"} else "busy"
            self._tone = ToneSource(name, self.country.tone(kind))

    # From the modem

    def from_modem(self, sound: bytes, acts: Sequence[ModemAct], *, off_hook: bool) -> None:
        """Take what the modem put on the pair: sound, digits, flashes, and its hook."""
        self._modem_up = off_hook
        for act in acts:
            self._act(act)
        self._follow_hook()
        if self.wire.echo:
            self.wire.echo.sent(sound)
        self._said = sound
        sound = self.wire.says.mix(sound, self._heard)
        if self.call is not None and self.state is SubscriberLineState.TALKING:
            self.call.hear(sound)
        elif self.call is not None and self.state is SubscriberLineState.ON_HOLD:
            self.call.hear(silence_of(len(sound)))
        if self._register is not None:
            self._register.hear(sound)

    def _follow_hook(self) -> None:
        if self.held and not self.wire.cut:
            if self.state is SubscriberLineState.RINGING:
                self._answer()
            elif self.state is SubscriberLineState.IDLE:
                self._seize()
        elif self.state not in {SubscriberLineState.IDLE, SubscriberLineState.RINGING}:
            self._free()

    def _answer(self) -> None:
        assert self.call is not None
        self.call.answer()
        self.state = SubscriberLineState.TALKING

    def _seize(self) -> None:
        self._register = self.wire.register(self.country)
        self.state = SubscriberLineState.OWN_CALL

    def _free(self) -> None:
        call, self.call = self.call, None
        state, self.state = self.state, SubscriberLineState.IDLE
        register = self._leave_register()
        if call is None:
            return
        call.report.line_freed_after_s = call.seconds
        if state is SubscriberLineState.RELEASED or call.report.ended_by:
            call.done = True
        elif state is SubscriberLineState.ON_HOLD and register and register.digits:
            call.report.transferred_to = register.digits
            call.report.transfer_found = register.outcome
            self._finish(call, "transferred")
        else:
            self._let_go(call)

    @property
    def reached_ms(self) -> float:
        """How much sound has reached whoever the modem has called (ms); 0 with nobody there."""
        return self._register.reached_ms if self._register else 0.0

    def _leave_register(self) -> DigitRegister | None:
        register, self._register = self._register, None
        if register is not None:
            register.let_go()
        return register

    def _let_go(self, call: ExchangeCall) -> None:
        """Give the busy tone to a caller whose call the host has ended."""
        call.end("host")
        self._leavers.add(call, self.country.busy)

    def _finish(self, call: ExchangeCall, by: str) -> None:
        call.end(by)
        call.done = True
        self.call = None

    def _act(self, act: ModemAct) -> None:
        if isinstance(act, LoopFlashed):
            self._flash(act.ms)
        elif isinstance(act, DigitDialled) and self._register is not None:
            self._register.digit(act.digit)
            self.last_dialled = self._register.digits
        elif isinstance(act, DigitDialled) and isinstance(self.call, Trunk):
            self.call.key_of_called(act.digit)

    def _flash(self, ms: int) -> None:
        if self.call is not None:
            self.call.report.flashes_ms.append(ms)
        if ms > self.country.flash_limit_ms:
            self._modem_up = False
            self._follow_hook()
            self._modem_up = True
        elif self.wire.pbx and self.state is SubscriberLineState.TALKING:
            self._register = self.wire.register(self.country)
            self.state = SubscriberLineState.ON_HOLD
        elif self.state is SubscriberLineState.ON_HOLD and self.call is not None:
            self._leave_register()
            self.state = SubscriberLineState.TALKING
            if self.call.report.ended_by:
                self._release(self.call)


# ---- ringing -----------------------------------------------------------------------------------
# The bell and the caller's identity before the answer (v253.md sections 3 and 5).

RING_RECOGNISED = samples_of(200)
"""The modem calls a burst a ring after 200 ms of it."""

# Identity starts 500-2000 ms after the first burst (EN 300 659-1, v253.md 3).
IDENTITY_AFTER_BURST = samples_of(700)

ALERT_GAP = samples_of(70)
BEFORE_RING = samples_of(300)
"""At least 200 ms lie between an identity and the ring that follows it."""


class RingingPhase:
    """The line from the placing of a call until somebody answers; time in samples."""

    def __init__(self, country: Country, plan: CallPlan) -> None:
        self._country = country
        self._period = samples_of(sum(country.ring))
        self._identity = plan.identity
        self._clip, self._clip_at = b"", 0
        self._lead = 0
        self._clock = 0
        self.burst_began = False
        self._rings = plan.rings
        if self._identity is not None:
            before = (plan.id_order or country.id_order) == "before"
            self._send(mdmf_message(self._identity), before=before)

    def _send(self, message: bytes, *, before: bool) -> None:
        sound = fsk_modulate(message, self._country.caller_id)
        if before:
            self._clip = alerting_tone() + silence_of(ALERT_GAP) + sound
            self._lead = len(self._clip) + BEFORE_RING
            return
        burst = sum(self._country.ring[:-1])
        self._clip, self._clip_at = sound, samples_of(burst) + IDENTITY_AFTER_BURST

    @property
    def given_up(self) -> bool:
        """True when the caller has heard all the rings it waits for."""
        return self._clock >= self._lead + self._rings * self._period

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what lies on the pair besides ringing current, and the signals."""
        begin = self._clock
        self._clock += n
        since = begin - self._lead
        self.burst_began = since + n > 0 and -since % self._period < n
        signals: list[Signal] = []
        if self._clip and begin < self._clip_at + len(self._clip) <= self._clock and self._identity:
            signals.append(IdentitySent(self._identity))
        since -= RING_RECOGNISED
        if since + n > 0 and -since % self._period < n:
            signals.append(RingRecognised(self._country.ring[0], self._country.ring[1]))
        return slice_at(self._clip, self._clip_at, begin, n), signals


# ---- register ----------------------------------------------------------------------------------

AFTER_LAST_DIGIT = samples_of(3000)
FIRST_RINGBACK = samples_of(500)


class DigitRegister:
    """Collects the digits of a call the modem makes, then does as the called party does.

    `extensions`, and other `lines` of the exchange, are known by their digits and reached at the
    last of them; any other number is `other`, after 3 s without a digit. `dial_tone` False: the
    register is silent. `caller` is who calls another line, `release` what tells that it has gone,
    `ppm` how fast the calling modem's crystal runs.
    """

    def __init__(
        self,
        country: Country,
        other: Party,
        extensions: Mapping[str, Party] | None = None,
        *,
        lines: Mapping[str, SubscriberLine] | None = None,
        dial_tone: bool = True,
        caller: CallPlan | None = None,
        release: str = "busy",
        ppm: float = 0.0,
    ) -> None:
        self._ppm = ppm
        self._country = country
        self._other = other
        self._extensions = extensions or {}
        self._lines = lines or {}
        self._caller = caller or CallPlan()
        self._release = release
        self._released = False
        self._trunk: Trunk | None = None
        self.digits = ""
        self.party: Party | None = None
        self.answered: AnsweredParty | Trunk | None = None
        self._tone: ToneSource | InformationSource | None = None
        if dial_tone:
            self._tone = ToneSource("dial", country.dial)
        self._wait = 0
        self._until_answer = 0

    @property
    def outcome(self) -> str:
        """What has become of the call: dialling, ringing, answered, or the party's outcome."""
        if self.answered is not None:
            return "hung up" if self.answered.gone else "answered"
        if self.party is None:
            return "dialling"
        return "ringing" if self.party.outcome in {"answer", "no-answer"} else self.party.outcome

    def digit(self, digit: str) -> None:
        """Take one digit; the dial tone stops at the first."""
        if self.party is not None:
            if self._trunk is not None and self.answered is self._trunk:
                self._trunk.key_of_calling(digit)
            return
        self.digits += digit
        self._tone = None
        numbers = {*self._extensions, *self._lines}
        longer = any(n != self.digits and n.startswith(self.digits) for n in numbers)
        known = self.digits in numbers and not longer
        self._wait = 1 if known else AFTER_LAST_DIGIT

    @property
    def reached_ms(self) -> float:
        """How much sound, beside silence, has reached the ear of whoever answered (ms)."""
        heard = self.answered.heard if isinstance(self.answered, AnsweredParty) else b""
        return (len(heard) - heard.count(0xFF) - heard.count(0x7F)) / samples_of(1)

    def hear(self, sound: bytes) -> None:
        """Take what the calling modem puts on the line: the party's, once it has answered."""
        if self.answered is not None:
            self.answered.said(sound)

    def let_go(self) -> None:
        """The calling line was hung up."""
        if self._trunk is not None:
            self._trunk.wants_to_hang_up = True

    def take(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the calling modem hears, and the signals."""
        if self._wait > 0:
            self._wait -= n
            if self._wait <= 0:
                self._route()
        signals = self._ring(n) if self._until_answer > 0 else self._follow_trunk()
        sound, heard = self._sound(n)
        return sound, heard + signals

    def _sound(self, n: int) -> tuple[bytes, list[Signal]]:
        if self.answered is not None:
            if not self.answered.gone:
                return self.answered.reach(n)
            if not self._released:
                self._released = True
                return silence_of(n), self._let_go_by_far_end()
        return self._tone.take(n) if self._tone else (silence_of(n), [])

    def _let_go_by_far_end(self) -> list[Signal]:
        """Tell the calling line in its way that whoever it reached has hung up."""
        kind = self._release
        if kind == "loop":
            return [LoopBroke()]
        if kind != "silence":
            name = kind if kind in {"dial", "congestion"} else "busy"
            self._tone = ToneSource(name, self._country.tone(kind))
        return []

    def _route(self) -> None:
        country = self._country
        self.party = party = self._extensions.get(self.digits) or self._reach_line() or self._other
        match party.outcome:
            case "busy":
                self._tone = ToneSource("busy", country.busy)
            case "congestion":
                self._tone = ToneSource("congestion", country.congestion)
            case "sit":
                self._tone = InformationSource()
            case outcome:
                period = samples_of(sum(country.ringback.cadence))
                self._tone = ToneSource("ringback", country.ringback, FIRST_RINGBACK, period)
                if outcome == "answer":
                    self._until_answer = max(party.rings * period, 1)

    def _reach_line(self) -> Party | None:
        """Ring another line of the exchange; it is busy unless it is idle."""
        line = self._lines.get(self.digits)
        if line is None:
            return None
        if not line.is_free:
            return Party("busy")
        wire = line.wire
        self._trunk = Trunk(line.number, self._caller, wire.release, self._ppm, wire.ppm)
        line.place(self._trunk)
        return Party("no-answer")  # until its modem answers

    def _follow_trunk(self) -> list[Signal]:
        if self._trunk is None or self.answered or not self._trunk.report.answered:
            return []
        self.answered, self._tone = self._trunk, None
        return [FarAnswered()]

    def _ring(self, n: int) -> list[Signal]:
        self._until_answer -= n
        if self._until_answer > 0:
            return []
        assert self.party is not None
        self.answered, self._tone = AnsweredParty(self.party), None
        return [FarAnswered()]


# ---- trunk -------------------------------------------------------------------------------------
# Two lines of the exchange joined: one modem dials the other line's number, which rings.

# The called line rings until somebody answers or the caller gives up.
RINGS = 100
# Sound that may wait between two crystals; more is dropped, a lack is filled with silence.
MOST = samples_of(200)


# Kept between two crystals: of one tick to the next each gives or takes a sample more or less.
CUSHION = samples_of(1)
MILLION = 1_000_000


class Pipe:
    """Sound on its way from one line to the other.

    It is analog in between: what one crystal plays too fast (`sent_ppm`) another one (`heard_ppm`)
    hears too high. With crystals that agree it passes unchanged.
    """

    def __init__(self, sent_ppm: float = 0.0, heard_ppm: float = 0.0) -> None:
        self._sound = bytearray()
        self._rates = round(MILLION + sent_ppm), round(MILLION + heard_ppm)
        self._state: Any = None

    def put(self, sound: bytes) -> None:
        """Take what one line brings."""
        sent, heard = self._rates
        if sent != heard:
            pcm = g711.ulaw_to_linear(sound)
            pcm, self._state = audioop.ratecv(pcm, 2, 1, sent, heard, self._state)
            sound = g711.linear_to_ulaw(pcm)
            if not self._sound:
                self._sound += silence_of(CUSHION)
        self._sound += sound
        del self._sound[:-MOST]

    def take(self, n: int) -> bytes:
        """Give the next n samples."""
        piece = bytes(self._sound[:n])
        del self._sound[:n]
        return piece + silence_of(n - len(piece))


class Trunk(ExchangeCall):
    """The call as the called line knows it; to the calling line it is whoever was reached."""

    def __init__(
        self,
        line: int,
        caller: CallPlan,
        release: str,
        calling_ppm: float = 0.0,
        called_ppm: float = 0.0,
    ) -> None:
        super().__init__(replace(caller, rings=RINGS, release=release), line)
        self._to_called = Pipe(calling_ppm, called_ppm)
        self._to_calling = Pipe(called_ppm, calling_ppm)
        self._keys_to_called: list[Signal] = []
        self._keys_to_calling: list[Signal] = []

    # To the called line

    def speak(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give what the calling line brings."""
        keys, self._keys_to_called = self._keys_to_called, []
        return self._to_called.take(n), keys

    def hear(self, sound: bytes) -> None:
        """Take what the called line's modem says."""
        self.report.bytes_heard += len(sound)
        self._to_calling.put(sound)

    def key_of_called(self, digit: str) -> None:
        """Take a key that the called line's modem sends."""
        self._keys_to_calling += (KeyBegan(digit), KeyEnded())

    def hangs_up(self, n: int) -> bool:
        """Tell whether the calling line has let go."""
        return self.wants_to_hang_up

    # To the calling line

    @property
    def gone(self) -> bool:
        """True when the called line's modem has hung up."""
        return bool(self.report.ended_by)

    def reach(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the calling modem hears of the called line."""
        keys, self._keys_to_calling = self._keys_to_calling, []
        return self._to_calling.take(n), keys

    def said(self, sound: bytes) -> None:
        """Take what the calling modem says."""
        self._to_called.put(sound)

    def key_of_calling(self, digit: str) -> None:
        """Take a key that the calling modem sends."""
        self._keys_to_called += (KeyBegan(digit), KeyEnded())


# ---- released callers --------------------------------------------------------------------------
# Callers whose call the host has ended: they hear busy tone for LINGER_AFTER_HANG_UP, then leave.

LINGER_AFTER_HANG_UP = samples_of(2000)
"""A caller whose call was ended by the host listens to the busy tone for this long."""


class ReleasedCallers:
    """Those who listen to it at the moment; true while there are any."""

    def __init__(self) -> None:
        self._leaving: list[tuple[ExchangeCall, RepeatedSound, int]] = []

    def __bool__(self) -> bool:
        """Tell whether anybody is left."""
        return bool(self._leaving)

    def add(self, call: ExchangeCall, tone: Tone) -> None:
        """Let a caller hear the tone."""
        self._leaving.append((call, tone_loop(tone), LINGER_AFTER_HANG_UP))

    def pass_time(self, n: int) -> None:
        """Let n samples go by."""
        for call, tone, left in self._leaving:
            call.pass_time(n)
            call.hear(tone.take(n))
            call.done = left <= n
        self._leaving = [(call, tone, left - n) for call, tone, left in self._leaving if left > n]
