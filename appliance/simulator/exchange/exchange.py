"""What a seized line offers: dial tone, digits, and the called party's behaviour."""

from __future__ import annotations

import audioop
import base64
import enum
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from appliance.dsp import g711
from appliance.errors import CentralinoError, ConfigurationError
from appliance.simulator.exchange import control, knobs, signals
from appliance.simulator.exchange.control import Answered, Call, CallPlan, Party
from appliance.simulator.exchange.signals import (
    HIGH_DBM0,
    LOW_DBM0,
    Announced,
    Dialled,
    FarAnswered,
    Flashed,
    IdentitySent,
    Information,
    KeyBegan,
    KeyEnded,
    LoopBroke,
    Rang,
    Signal,
    Worn,
    samples_of,
    silence_of,
    sine,
    slice_at,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping

    from appliance.simulator.exchange.control import Message
    from appliance.simulator.exchange.modem import VoiceModem
    from appliance.simulator.exchange.modem_protocol import Country, Sounding
    from appliance.simulator.exchange.premises import Line
    from appliance.simulator.exchange.service import Outlet
    from appliance.simulator.exchange.signals import Act, Echo


# ---- controller --------------------------------------------------------------------------------
# Serves one control connection: places calls, plays a caller's part, turns knobs.

HEARD_CHUNK = 800
"""What the caller hears is handed on every 100 ms."""


class Controller:
    """One conversation over the control socket, without the socket."""

    def __init__(self, outlets: Mapping[int, Outlet], status: Callable[[], Message]) -> None:
        self._outlets = outlets
        self._status = status
        self._clips: list[bytearray] = []
        self._out = bytearray()
        self._call: Call | None = None
        self._told: set[str] = set()

    def data_to_send(self) -> bytes:
        """Give and forget what the client is to read."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_line(self, line: bytes) -> None:
        """Do what one message asks; a wrong one is answered with a sentence."""
        try:
            self._do(control.decode(line))
        except CentralinoError as error:
            self._tell("error", sentence=str(error))

    def hang_up(self) -> None:
        """End the caller's part: the client asked for it, or is gone."""
        if self._call is not None:
            self._call.wants_to_hang_up = True

    def _tell(self, event: str, **more: object) -> None:
        self._out += control.encode({"event": event, **more})

    def _do(self, message: Message) -> None:
        what = control.text_of(message, "do", "")
        match what:
            case "clip":
                self._clip(message)
            case "call":
                self._place(message)
            case "say" | "press" | "hang-up":
                self._act(what, message)
            case "set":
                self._set(message)
            case "status":
                self._tell("status", status=self._status())
            case _:
                raise ConfigurationError(f"{what!r} is nothing the exchange can do")

    def _outlet(self, message: Message) -> Outlet:
        number = control.number_of(message, "line")
        if number not in self._outlets:
            raise ConfigurationError(f"line {number} does not exist: lines 1-{len(self._outlets)}")
        return self._outlets[number]

    def _clip(self, message: Message) -> None:
        if message.get("new") or not self._clips:
            self._clips.append(bytearray())
        self._clips[-1] += control.sound_of(message)

    def _place(self, message: Message) -> None:
        if self._call is not None:
            raise ConfigurationError("this connection has its call: open another one")
        outlet = self._outlet(message)
        now = time.localtime()
        stamp = {"date": time.strftime("%m%d", now), "time": time.strftime("%H%M", now)}
        plan = control.plan_of(stamp | message, tuple(bytes(clip) for clip in self._clips))
        self._call = Call(plan, outlet.station.number)
        outlet.station.line.place(self._call)
        self._tell("placed", line=outlet.station.number)

    def _act(self, what: str, message: Message) -> None:
        if self._call is None:
            raise ConfigurationError(f"{what}: place a call first")
        if what == "say":
            self._call.say(control.sound_of(message))
        elif what == "press":
            self._call.press(control.text_of(message, "digits"))
        else:
            self.hang_up()

    def _set(self, message: Message) -> None:
        outlet = self._outlet(message)
        turned = message.get("knobs")
        if not isinstance(turned, dict):
            raise ConfigurationError("knobs: give an object of names and values")
        knobs.turn(outlet, turned)
        self._tell("done")

    def follow(self) -> None:
        """Tell what has happened to the call since the last tick."""
        call = self._call
        if call is None:
            return
        report = call.report
        if report.ring_start_s is not None:
            self._once("ringing", at_s=report.ring_start_s)
        if report.answered:
            self._once("answered", after_s=report.answered_after_s)
        if len(call.heard) >= HEARD_CHUNK or (call.heard and report.ended_by):
            self._tell("heard", data=base64.b64encode(call.heard).decode())
            call.heard.clear()
        if report.ended_by:
            self._once("released", report=asdict(report))
        if call.done:
            self._once("ended", report=asdict(report))

    def _once(self, event: str, **more: object) -> None:
        if event not in self._told:
            self._told.add(event)
            self._tell(event, **more)


# ---- dialling ----------------------------------------------------------------------------------
# What a modem sends by itself: +VTS tones, flashes, and a dialled number's progress.

TONE_DBM0 = -12.0
LIVE_VOLTS = 3.0
"""Below this a held line carries no current: no dial tone will come."""


def _sound(sounding: Sounding, gap_ms: int) -> bytes:
    n = samples_of(sounding.ms)
    low, high = sounding.frequencies
    if sounding.digit:
        burst = sine(((float(low), LOW_DBM0), (float(high), HIGH_DBM0)), n)
        return burst + silence_of(samples_of(gap_ms))
    parts = tuple((float(hz), TONE_DBM0) for hz in sounding.frequencies if hz)
    return sine(parts, n) if parts else silence_of(n)


class Toner:
    """Plays a list of soundings onto the line; flashes and digits become acts as they pass."""

    def __init__(self) -> None:
        self._sound = b""
        self._at = 0
        self._marks: list[tuple[int, Act]] = []

    @property
    def busy(self) -> bool:
        """True until the last element has finished."""
        return self._at < len(self._sound)

    def play(self, soundings: Iterable[Sounding], lead: int = 0, gap_ms: int = 0) -> None:
        """Start a list after lead samples of silence, gap_ms of silence behind each digit."""
        sound = bytearray(silence_of(lead))
        self._marks = []
        for each in soundings:
            if each.flash:
                self._marks.append((len(sound), Flashed(each.ms)))
            elif each.digit:
                self._marks.append((len(sound), Dialled(each.digit)))
            sound += _sound(each, gap_ms)
        self._sound, self._at = bytes(sound), 0

    def stop(self) -> None:
        """Fall silent at once."""
        self._sound, self._at, self._marks = b"", 0, []

    def take(self, n: int, acts: list[Act]) -> tuple[bytes, bool]:
        """Give the next n samples, whether they were the last; what begins in them joins acts."""
        chunk = self._sound[self._at : self._at + n]
        self._at += n
        while self._marks and self._marks[0][0] < self._at:
            acts.append(self._marks.pop(0)[1])
        return chunk + silence_of(n - len(chunk)), self._at >= len(self._sound)


@dataclass(slots=True)
class Dialler:
    """An ATD or ATA until its result; all times in samples.

    With `;` the result is OK once the digits are out. Else OK when answer is presumed (+VRA after
    the far end answered, or no ringback within +VRN), BUSY, NO ANSWER after S7 (v253.md 1.3).
    """

    semicolon: bool = False
    answering: bool = False
    waited: int = 0
    out: bool = False
    ringback: bool = False
    answered_at: int | None = None

    def dialled(self, modem: VoiceModem) -> None:
        """Go on after the last digit."""
        self.out = True
        self.waited = 0
        no_wait = modem.settings.voice and not modem.settings.number("+VRN")
        if self.semicolon or (no_wait and not self.answering):
            self._done(modem)

    def tick(self, modem: VoiceModem, n: int) -> None:
        """Wait for n more samples."""
        if modem.volts < LIVE_VOLTS:
            self._fail(modem, modem.personality.no_dial_tone)
            return
        self.waited += n
        if self.out and self._presumed(modem):
            self._done(modem)
        elif self.out and self.waited > samples_of(modem.settings.registers[7] * 1000):
            self._fail(modem, "NO ANSWER" if self.answered_at is None else "NO CARRIER")

    def heard(self, modem: VoiceModem, kind: str) -> None:
        """Take a call-progress tone."""
        self.ringback = self.ringback or kind == "ringback"
        if kind == "busy" and self.out:
            self._fail(modem, "BUSY")

    def answered(self) -> None:
        """Take the far end's answer."""
        self.answered_at = self.waited

    def _presumed(self, modem: VoiceModem) -> bool:
        if not modem.settings.voice:
            return False  # no data carrier will ever come
        if self.answered_at is not None:
            return self.waited - self.answered_at >= samples_of(modem.settings.number("+VRA") * 100)
        limit = samples_of(modem.settings.number("+VRN") * 1000)
        return not self.ringback and self.waited >= limit

    def _done(self, modem: VoiceModem) -> None:
        modem.dial_ended()
        modem.resume()

    def _fail(self, modem: VoiceModem, result: str) -> None:
        modem.hang_up()
        modem.resume(result)


# ---- peer --------------------------------------------------------------------------------------
# One client of the control socket: its bytes in and out, without ever waiting.

READ_SIZE = 65_536
LONGEST_LINE = 1 << 20
LARGEST_BACKLOG = 1 << 24


class Peer:
    """A control connection: its socket, what came in, what must go out."""

    def __init__(self, sock: socket.socket, controller: Controller) -> None:
        self.sock = sock
        self.controller = controller
        self._inward = bytearray()
        self._outward = bytearray()

    def receive(self) -> bool:
        """Read and act; False when the client is gone."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._inward += data
        *lines, rest = self._inward.split(b"\n")
        self._inward = bytearray(rest)
        for line in lines:
            self.controller.receive_line(bytes(line))
        return bool(data) and len(rest) < LONGEST_LINE

    def send(self) -> bool:
        """Send what there is without waiting; False when the client is gone or never reads."""
        self._outward += self.controller.data_to_send()
        if not self._outward:
            return True
        try:
            sent = self.sock.send(self._outward)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        del self._outward[:sent]
        return len(self._outward) < LARGEST_BACKLOG


# ---- ringing -----------------------------------------------------------------------------------
# The bell and the caller's identity before the answer (v253.md sections 3 and 5).

RECOGNISED = samples_of(200)
"""The modem calls a burst a ring after 200 ms of it."""

AFTER_BURST = samples_of(700)
"""Identity starts 500-2000 ms after the first burst (EN 300 659-1, v253.md 3)."""

ALERT_GAP = samples_of(70)
BEFORE_RING = samples_of(300)
"""At least 200 ms lie between an identity and the ring that follows it."""


class Ringing:
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
            self._send(signals.message(self._identity), before=before)

    def _send(self, message: bytes, *, before: bool) -> None:
        sound = signals.modulate(message, self._country.caller_id)
        if before:
            self._clip = signals.alert() + silence_of(ALERT_GAP) + sound
            self._lead = len(self._clip) + BEFORE_RING
            return
        burst = sum(self._country.ring[:-1])
        self._clip, self._clip_at = sound, samples_of(burst) + AFTER_BURST

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
        since -= RECOGNISED
        if since + n > 0 and -since % self._period < n:
            signals.append(Rang(self._country.ring[0], self._country.ring[1]))
        return slice_at(self._clip, self._clip_at, begin, n), signals


# ---- trunk -------------------------------------------------------------------------------------
# Two lines of the exchange joined: one modem dials the other line's number, which rings.

RINGS = 100
"""The called line rings until somebody answers or the caller gives up."""
MOST = samples_of(200)
"""Sound that may wait between two crystals; more is dropped, a lack is filled with silence."""


CUSHION = samples_of(1)
"""Kept between two crystals: of one tick to the next each gives or takes a sample more or less."""
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


class Trunk(Call):
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


# ---- register ----------------------------------------------------------------------------------

AFTER_LAST_DIGIT = samples_of(3000)
FIRST_RINGBACK = samples_of(500)


class Register:
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
        lines: Mapping[str, Line] | None = None,
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
        self.answered: Answered | Trunk | None = None
        self._tone: Announced | Information | None = None
        if dial_tone:
            self._tone = Announced("dial", country.dial)
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
        heard = self.answered.heard if isinstance(self.answered, Answered) else b""
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
            self._tone = Announced(name, self._country.tone(kind))
        return []

    def _route(self) -> None:
        country = self._country
        self.party = party = self._extensions.get(self.digits) or self._reach_line() or self._other
        match party.outcome:
            case "busy":
                self._tone = Announced("busy", country.busy)
            case "congestion":
                self._tone = Announced("congestion", country.congestion)
            case "sit":
                self._tone = Information()
            case outcome:
                period = samples_of(sum(country.ringback.cadence))
                self._tone = Announced("ringback", country.ringback, FIRST_RINGBACK, period)
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
        self.answered, self._tone = Answered(self.party), None
        return [FarAnswered()]


# ---- wire --------------------------------------------------------------------------------------
# Where a line is, and what can be changed about it while it runs.


class LineState(enum.StrEnum):
    """Where the line is, seen from the exchange."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    RELEASED = "released by the far end"
    OWN_CALL = "seized by the host"
    ON_HOLD = "caller on hold"


@dataclass(slots=True)
class Wire:
    """The knobs of a line. `outgoing` is what becomes of a call the modem makes to a number that
    is none of `extensions`; `pbx`: a hook flash holds the caller and gives a register, with a dial
    tone of its own unless `dial_tone` is off. `lines` are those of the exchange by their numbers,
    which every line may dial; `caller` is who then calls from here, `release` how whoever talks to
    this line lets go of it. `worn` is what the pair does to sound, `ppm` how fast the crystal
    of the modem at its end runs.
    """

    cut: bool = False
    volts: float | None = None
    extension_up: bool = False
    echo: Echo | None = None
    outgoing: str = "answer"
    pbx: bool = False
    dial_tone: bool = True
    extensions: dict[str, Party] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    caller: CallPlan = field(default_factory=CallPlan)
    release: str = "busy"
    worn: Worn = field(default_factory=Worn)
    ppm: float = 0.0

    def register(self, country: Country) -> Register:
        """Give what a seized line, or one behind a flash, offers."""
        other = Party(self.outgoing)
        return Register(
            country,
            other,
            self.extensions,
            lines=self.lines,
            dial_tone=self.dial_tone,
            caller=self.caller,
            release=self.release,
            ppm=self.ppm,
        )

    def bring(self, sound: bytes) -> bytes:
        """Give what of the exchange's sound arrives at the modem, its own echo with it."""
        sound = self.worn.mix(sound)
        return self.echo.mix(sound) if self.echo else sound
