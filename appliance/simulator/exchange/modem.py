"""A V.253 voice modem, sans-I/O: bytes of the host in, bytes for the host and sound out.

`receive_data(data, now)` takes what the host wrote, `hear(signal)` what happens on the line,
`tick(n, rx, now)` runs the codec by n samples (mu-law both ways) and `data_to_send()` gives what
the host is to read. `now` is in monotonic seconds and serves the guard; timers run on samples.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.simulator.exchange.audio import (
    HIGH_DBM0,
    LOW_DBM0,
    SAMPLE_RATE,
    UNAVAILABLE,
    amplified,
    is_quiet,
    mdmf_message,
    sample_format,
    samples_of,
    silence_of,
    sine,
)
from appliance.simulator.exchange.modem_protocol import (
    CAN,
    ETX,
    HEARING,
    ONHOOK,
    PLAYING,
    STREAMING,
    UNKNOWN_CODE,
    CommandResult,
    DleUnshielder,
    HostSide,
    ModemState,
    ModemTransition,
    next_state,
    shield,
    shield_packed,
    split_line,
)
from appliance.simulator.exchange.signals import (
    DigitDialled,
    ExtensionMoved,
    FarAnswered,
    FaxToneHeard,
    IdentitySent,
    KeyBegan,
    KeyEnded,
    LoopBroke,
    LoopFlashed,
    RingRecognised,
    ToneHeard,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.simulator.exchange.audio import SampleFormat, SentIdentity
    from appliance.simulator.exchange.modem_protocol import AtCommand, Personality, Sounding
    from appliance.simulator.exchange.signals import ModemAct, Signal

    Perform = Callable[["VoiceModem", AtCommand], CommandResult]


# ---- modem -------------------------------------------------------------------------------------

# A half-typed line is dropped after 30 s (v253.md 1.1).
HALF_LINE = samples_of(30_000)

ABORT_GRACE = samples_of(125)
LONGEST_LINE = 128
DLE_SAMPLE = b"\x10"
COMMAND_ROOM = 512


class VoiceModem(HostSide):
    """One modem of a personality, freshly powered."""

    def __init__(self, personality: Personality, perform: Perform) -> None:
        super().__init__(personality)
        self._perform = perform
        self.state = ModemState.CLASS0_ONHOOK
        self.playout = Playout(sample_format("ulaw"))
        self.toner = TonePlayer()
        self.dialler: Dialler | None = None
        self.last_caller: SentIdentity | None = None
        self.acts: list[ModemAct] = []
        self.volts = 48.0
        self.extension_up = False
        self.chip_tones = True
        self.chip_dtmf = True
        self.chip_extension = True
        self.host_reads = True
        self.told_texts: dict[int, str] = {}
        self.vtr = personality.vtr or ("duplex" if personality.duplex else "error")
        self.underruns = self.overruns = self.dropped = 0
        self.key_held = False
        self.ringing_for = 0
        self._clock = self._line_began = self._line_ended = 0
        self._line = bytearray()
        self._todo: deque[AtCommand] = deque()
        self._timer: int | None = None
        self._unshielder = DleUnshielder()
        self._last_sample = b""
        self._watch = SilenceWatch(0)
        self._idle = self._overdue = 0
        self._overran = False
        self._until_failure = 0

    # What the exchange asks

    @property
    def off_hook(self) -> bool:
        """True while the modem holds the line."""
        return self.state not in ONHOOK

    @property
    def streaming(self) -> bool:
        """True while bytes are sound, not commands."""
        return self.state in STREAMING

    @property
    def room(self) -> int:
        """Bytes the modem would take from its port now."""
        return self.playout.room if self.state in PLAYING else COMMAND_ROOM

    def take_acts(self) -> list[ModemAct]:
        """Give and forget what the modem did to the line: digits and flashes."""
        acts, self.acts = self.acts, []
        return acts

    # From the host

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes the host wrote, cut anywhere."""
        self.now = now
        if self.streaming:
            self.guard.streamed(data, now)
        while data:
            data = self._stream_bytes(data) if self.streaming else self._command_byte(data)

    def _stream_bytes(self, data: bytes) -> bytes:
        sound, code, rest = self._unshielder.step(data)
        if not self.unshields:
            sound = shield(sound)  # both bytes of a pair are sound to it
        self._idle = 0
        if self.state in PLAYING:
            self.playout.add(sound)
        behind_dle = (self._last_sample + sound)[-1:] == DLE_SAMPLE
        self._last_sample = b"" if code is not None else (self._last_sample + sound)[-1:]
        if code is not None and (behind_dle or not self.personality.doubles_dle):
            self._shielded(code)
        return rest

    def _shielded(self, code: int) -> None:
        """Act on one DLE code of the host (v253.md 2.2); others it knows change nothing here."""
        if code not in self.personality.tx_codes + self.personality.receive_end:
            self.guard.fault(UNKNOWN_CODE, self.now, f"0x{code:02x}")
        if self.state in PLAYING:
            self._playing_code(code)
        elif code in self.personality.receive_end:
            self.end_stream()

    def _playing_code(self, code: int) -> None:
        duplex = self.state is ModemState.DUPLEX
        if duplex and (self.vtr == "stuck" or (self.vtr == "etx" and code == ord("^"))):
            return
        if code == ETX:
            self.playout.ended = True
        elif code == CAN:
            self.playout.clear()
        elif code in b"pr":
            self.playout.paused = code == ord("p")
        elif code == (ord("^") if duplex else ord("!")):
            self.end_stream()

    def _command_byte(self, data: bytes) -> bytes:
        """Take the first byte as a typed character and give the rest."""
        typed = data[:1]
        if (
            self.state is ModemState.DIALING
            or self._todo
            or self._timer is not None
            or self.toner.busy
        ):
            self._typed_while_busy(typed)
            return data[1:]
        if not self._line and typed in b"Aa":
            self.guard.command_began(self.now)
            self._line_began = self._clock
        if self.settings.echo and (typed >= b" " or typed in b"\r\n\b"):
            self.raw(typed)
        if typed[0] == self.settings.registers[3]:
            self._take_line()
        else:
            self._type(typed)
        return data[1:]

    def _typed_while_busy(self, typed: bytes) -> None:
        if typed in b"Aa":
            self.guard.command_began(self.now)
        if self.dialler and self._clock - self._line_ended > ABORT_GRACE:
            self.hang_up()
            self.resume("NO CARRIER")

    def _type(self, typed: bytes) -> None:
        if typed[0] == self.settings.registers[5]:
            del self._line[-1:]
        elif typed >= b" " and len(self._line) < LONGEST_LINE and (self._line or typed in b"Aa"):
            self._line += typed

    def _take_line(self) -> None:
        text = self._line.decode("ascii", "replace")
        self._line.clear()
        if text[:2].upper() != "AT":
            return
        self._line_ended = self._clock
        self.guard.line_taken()
        self._todo.extend(split_line(text[2:]))
        self._take_whole_line()

    def _take_whole_line(self) -> None:
        """Work on a line, or refuse it where this modem refuses one in so many."""
        self._until_failure += 1
        if self.fails_each and self._until_failure % self.fails_each == 0:
            self._todo.clear()
            self.result("ERROR")
            return
        self._run()

    def _run(self) -> None:
        while self._todo:
            command = self._todo.popleft()
            if command.name == "H" and self.ignores_hang_ups:
                self.ignores_hang_ups -= 1
                self._todo.clear()
                self.guard.result_given(self.now)  # none comes: the host waits in vain
                return
            outcome = self._perform(self, command)
            if outcome is CommandResult.LATER:
                return
            if outcome is not CommandResult.OK:
                self._todo.clear()
                self.result(outcome.value)
                return
        self.result("OK")

    # What commands do

    def begin_stream(self, happening: ModemTransition) -> CommandResult:
        """Start sound; the caller has checked that the line is held."""
        number = int(self.settings.values["+VSM"].split(",")[0])
        self.playout = Playout(sample_format(self.personality.formats[number].law))
        self._unshielder = DleUnshielder()
        self._watch = SilenceWatch(samples_of(self.settings.number("+VSD", 1) * 100))
        self._idle = self._overdue = 0
        self.move(happening)
        self.guard.stream_began(self.now)
        return CommandResult.STREAM

    def end_stream(self) -> None:
        """Go back to commands: DLE ETX after a stream that carried sound to the host, then OK."""
        if self.state in HEARING:
            self.report("\x03")
        self.move(ModemTransition.STREAM_ENDED)
        self.result("OK")

    def move(self, happening: ModemTransition) -> None:
        """Follow the state table."""
        self.state = next_state(self.state, happening)

    def hang_up(self) -> None:
        """Put the line down, whatever is going on."""
        voice = self.settings.voice
        self.move(ModemTransition.ON_HOOK_VOICE if voice else ModemTransition.ON_HOOK_DATA)
        self.settings.vls = 0
        self.settings.values["+VNH"] = "0"
        self.dialler = None
        self.key_held = False
        self.toner.stop()

    def dial(self, dialler: Dialler) -> CommandResult:
        """Seize the line for an ATD or ATA, whose result comes later."""
        self.move(ModemTransition.DIAL_BEGAN)
        self.dialler = dialler
        return CommandResult.LATER

    def dial_ended(self) -> None:
        """Keep the line for voice commands after a dialled number."""
        self.dialler = None
        self.move(ModemTransition.DIAL_ENDED)

    def answer_by_itself(self) -> None:
        """Answer because the ring count has reached S0."""
        if self.settings.voice:
            self.move(ModemTransition.OFF_HOOK)
            return
        self.dial(Dialler(answering=True, out=True))

    def later(self, after: int) -> CommandResult:
        """Let the present command end after so many samples."""
        self._timer = after
        return CommandResult.LATER

    def resume(self, result: str = "OK") -> None:
        """End the command that was going on; OK goes on with the rest of its line."""
        self._timer = None
        if result == "OK":
            self._run()
            return
        self._todo.clear()
        self.result(result)

    def drop_dtr(self) -> None:
        """Take the port's closing: with &D2 the line is put down and any stream ends."""
        if self.settings.dtr_action != 2:
            return
        self._todo.clear()
        self._timer = None
        self._line.clear()
        self.hang_up()
        self.data_to_send()

    # Of the line

    def hear(self, signal: Signal) -> None:
        """Take what happened on the line."""
        report_signal(self, signal)

    # The codec

    def tick(self, n: int, rx: bytes, now: float) -> bytes:
        """Run n samples: rx is what the line brings, the answer what the modem puts on it."""
        self.now = now
        self._clock += n
        self._timers(n)
        if self.streaming:
            return self._stream(n, rx)
        if not self.toner.busy:
            return silence_of(n)
        sound, last = self.toner.take(n, self.acts)
        if last:
            self._toned()
        return sound

    def _toned(self) -> None:
        if self.dialler is None:
            self.resume()
        else:
            self.dialler.dialled(self)

    def _timers(self, n: int) -> None:
        if self._line and self._clock - self._line_began > HALF_LINE:
            self._line.clear()
        expire_ring_count(self, n)
        if self.dialler is not None:
            self.dialler.tick(self, n)
        elif self._timer is not None:
            self._timer -= n
            if self._timer <= 0:
                self.resume()

    def _stream(self, n: int, rx: bytes) -> bytes:
        limit = samples_of(self.settings.number("+VIT") * 1000)
        self._idle += n
        if limit and self._idle > limit:
            self._inactive()
            return silence_of(n)
        if self.playout.drained:
            return self._drained(n)
        if self.state in HEARING:
            self._send_sound(rx)
        return self._play(n) if self.state in PLAYING else silence_of(n)

    def _drained(self, n: int) -> bytes:
        """End a stream whose sound was played, or so much later as was planted."""
        self._overdue += n
        if self._overdue > samples_of(self.end_late_ms):
            self.end_stream()
        return silence_of(n)

    def _inactive(self) -> None:
        """Drop the connection: the host was silent for longer than +VIT allows."""
        self.report("\x03")
        self.hang_up()
        self.result("NO CARRIER")

    @property
    def _receive_gain_db(self) -> float:
        return self.personality.gain_step_db * (self.settings.number("+VGR") - 128)

    def _play(self, n: int) -> bytes:
        sound, ran_dry = self.playout.take(n)
        if ran_dry:
            self.underruns += 1
            if self.personality.reports_buffers:
                self.report("u")
        return sound

    def _send_sound(self, rx: bytes) -> None:
        if self.state is ModemState.DUPLEX and self.vtr == "mute":
            return
        self.report(self._watch.hear(rx))
        data = self.playout.encode(amplified(rx, self._receive_gain_db))
        if not self.host_reads:
            self.dropped += len(data)
            self._overran = True
            return
        if self._overran:
            self._overran = False
            self.overruns += 1
            self.report("o" if self.personality.reports_buffers else "")
        if not self.shields:
            self.raw(data)
            return
        self.raw((shield_packed if self.personality.packs_dle else shield)(data))


# ---- notices -----------------------------------------------------------------------------------
# Reports to the host about the line: rings, caller identity, tones, keys (v253.md 2.4, 3).

# What sets the form in which some firmware reads who calls (v253.md 3); 02 is ETSI's.
ID_POKE = "!4886"
# Bits of -STE: extension pickup and remote hang-up (v253.md 1.3).
STE_EXTENSION, STE_REMOTE = 2, 4


def report_signal(modem: VoiceModem, signal: Signal) -> None:
    """Report one signal as this modem in this state would."""
    match signal:
        case RingRecognised():
            _report_ring(modem, signal)
        case IdentitySent():
            _report_identity(modem, signal.caller)
        case ToneHeard():
            _report_tone(modem, signal.kind)
        case FaxToneHeard():
            modem.report("c" if modem.chip_tones and _listening(modem) else "")
        case KeyBegan() | KeyEnded():
            _report_key(modem, signal)
        case LoopBroke():
            _report_loop(modem)
        case ExtensionMoved():
            _report_extension(modem, up=signal.up)
        case FarAnswered():
            if modem.dialler is not None:
                modem.dialler.answered()


def expire_ring_count(modem: VoiceModem, n: int) -> None:
    """Clear the ring counter S1 when no ring came for its time."""
    if modem.ringing_for > 0:
        modem.ringing_for -= n
        if modem.ringing_for <= 0:
            modem.settings.registers[1] = 0


def _report_ring(modem: VoiceModem, ring: RingRecognised) -> None:
    if modem.state not in ONHOOK:
        return
    registers = modem.settings.registers
    registers[1] += 1
    modem.ringing_for = modem.personality.ring_clear_ms * 8
    if modem.settings.number("+VDR"):
        _report_cadence(modem, ring)
    if not modem.settings.number("+VDR") or modem.settings.number("+VDR", 1):
        if modem.settings.voice:
            modem.report("R")
        else:
            modem.unsolicited("RING")
    if 0 < registers[0] <= registers[1]:
        modem.answer_by_itself()


def _report_cadence(modem: VoiceModem, ring: RingRecognised) -> None:
    _send_fields(modem, [f"DRON={ring.on_ms // 100}", f"DROF={ring.off_ms // 100}"])


def _send_fields(modem: VoiceModem, lines: list[str]) -> None:
    """Give fields as text in class 0, as a complex report DLE X ... DLE . in class 8."""
    if modem.settings.voice:
        text = "".join(f"{line}\r\n" for line in lines)
        modem.raw(b"\x10X" + text.encode("ascii", "replace") + b"\x10.")
        return
    for part in [[line] for line in lines] if modem.personality.fields_apart else [lines]:
        modem.inform(*part)


def _report_identity(modem: VoiceModem, caller: SentIdentity) -> None:
    if modem.state not in ONHOOK or _lacks_poke(modem):
        return
    modem.last_caller = caller
    form = modem.settings.number("+VCID")
    for _ in range(_printed(caller) if form else 0):
        print_identity(modem, caller, raw=form == 2)


def _lacks_poke(modem: VoiceModem) -> bool:
    """Tell whether this firmware reads no identity before AT!4886 was set to its value."""
    return modem.poke_wanted not in {"", modem.settings.values.get(ID_POKE)}


def _printed(caller: SentIdentity) -> int:
    """How often a modem prints an identity: a wrong checksum is printed by none (v253.md 3)."""
    return {"spoilt": 0, "doubled": 2}.get(caller.fault, 1)


def print_identity(modem: VoiceModem, caller: SentIdentity, *, raw: bool) -> None:
    """Print an identity, as formatted fields or as the message in hex (v253.md 3)."""
    if raw:
        _send_fields(modem, [mdmf_message(caller).hex().upper()])
        return
    between = modem.personality.id_separator
    _send_fields(modem, [f"{name}{between}{value}" for name, value in _fields(caller)])


def _fields(caller: SentIdentity) -> list[tuple[str, str]]:
    """Give the fields as the modem read them, whatever became of them."""
    if caller.fault == "malformed":
        return [("DATE", "??"), ("NMBR", "<b>0~5\x7f"), ("NAME", "=1+1|\x1b[2J")]
    stamp = [("DATE", caller.date), ("TIME", caller.time)]
    if caller.fault == "cut":
        return stamp
    fields = [] if caller.fault == "number_only" else stamp
    fields = [*fields, ("NMBR", caller.number)]
    name = UNAVAILABLE if caller.fault == "name_absent" else caller.name
    return [*fields, ("NAME", name)] if name else fields


def _listening(modem: VoiceModem) -> bool:
    return modem.settings.voice and modem.off_hook and modem.state is not ModemState.DIALING


def _report_tone(modem: VoiceModem, kind: str) -> None:
    if modem.dialler is not None:
        modem.dialler.heard(modem, kind)
    elif modem.chip_tones and _listening(modem):
        modem.report({"busy": "b", "dial": "d"}.get(kind, ""))


def _report_key(modem: VoiceModem, signal: KeyBegan | KeyEnded) -> None:
    if not modem.chip_dtmf or not _listening(modem):
        return
    shields = modem.personality.shields_dtmf
    if isinstance(signal, KeyEnded):
        modem.report("~" if shields and modem.key_held else "")
        modem.key_held = False
    elif shields:
        modem.report(signal.digit if modem.key_held else f"/{signal.digit}")
        modem.key_held = True
    elif not signal.again:
        modem.report(signal.digit)


def _report_loop(modem: VoiceModem) -> None:
    if modem.personality.reports_loop and _listening(modem):
        watched = modem.settings.number("-STE") & STE_REMOTE
        modem.report("P" if watched else "l")


def _report_extension(modem: VoiceModem, *, up: bool) -> None:
    modem.extension_up = up
    if not modem.settings.voice or not modem.chip_extension:
        return
    watched = modem.settings.number("-STE") & STE_EXTENSION
    if watched and modem.off_hook:
        modem.report("P" if up else "p")
    else:
        modem.report("H" if up else "h")


# ---- dialling ----------------------------------------------------------------------------------
# Tones and dialling: +VTS lists, hook flashes, and the progress of a dialled number.

TONE_DBM0 = -12.0
LIVE_VOLTS = 3.0
"""Below this a held line carries no current: no dial tone will come."""


def _rendered_tone(sounding: Sounding, gap_ms: int) -> bytes:
    n = samples_of(sounding.ms)
    low, high = sounding.frequencies
    if sounding.digit:
        burst = sine(((float(low), LOW_DBM0), (float(high), HIGH_DBM0)), n)
        return burst + silence_of(samples_of(gap_ms))
    parts = tuple((float(hz), TONE_DBM0) for hz in sounding.frequencies if hz)
    return sine(parts, n) if parts else silence_of(n)


class TonePlayer:
    """Plays a list of soundings onto the line; flashes and digits become acts as they pass."""

    def __init__(self) -> None:
        self._sound = b""
        self._at = 0
        self._marks: list[tuple[int, ModemAct]] = []

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
                self._marks.append((len(sound), LoopFlashed(each.ms)))
            elif each.digit:
                self._marks.append((len(sound), DigitDialled(each.digit)))
            sound += _rendered_tone(each, gap_ms)
        self._sound, self._at = bytes(sound), 0

    def stop(self) -> None:
        """Fall silent at once."""
        self._sound, self._at, self._marks = b"", 0, []

    def take(self, n: int, acts: list[ModemAct]) -> tuple[bytes, bool]:
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


# ---- playout -----------------------------------------------------------------------------------
# Playout buffer, and silence detection (+VSD).

CAPACITY_MS = 1000


class Playout:
    """Holds what the host sent until the codec plays it; a second of sound at most.

    Nothing is starved before the first byte came or after the host said ETX.
    """

    def __init__(self, codec: SampleFormat) -> None:
        self._codec = codec
        self._bytes = bytearray()
        self._starved = True
        self.ended = False
        self.paused = False

    @property
    def fill_ms(self) -> float:
        """Milliseconds of sound waiting."""
        return self.ms(len(self._bytes))

    @property
    def room(self) -> int:
        """Bytes that still fit."""
        capacity = CAPACITY_MS * SAMPLE_RATE * self._codec.width // 1000
        return max(capacity - len(self._bytes), 0)

    @property
    def drained(self) -> bool:
        """True when the host has ended the stream and all of it was played."""
        return self.ended and not self._bytes

    def ms(self, count: int) -> float:
        """Turn bytes of the stream's format into ms."""
        return count * 1000 / (SAMPLE_RATE * self._codec.width)

    def add(self, data: bytes) -> None:
        """Take sound from the host; after its end nothing more is sound."""
        if self.ended or not data:
            return
        self._bytes += data
        self._starved = False

    def encode(self, sound: bytes) -> bytes:
        """Turn the line's mu-law into the stream's format."""
        return self._codec.from_line(sound)

    def clear(self) -> None:
        """Throw away what waits (DLE CAN)."""
        self._bytes.clear()
        self._starved = True

    def take(self, n: int) -> tuple[bytes, bool]:
        """Give n samples as mu-law and whether the buffer has just run dry."""
        if self.paused:
            return silence_of(n), False
        wanted = n * self._codec.width
        chunk = bytes(self._bytes[:wanted])
        del self._bytes[:wanted]
        if len(chunk) == wanted:
            return self._codec.to_line(chunk), False
        whole = len(chunk) - len(chunk) % self._codec.width
        sound = self._codec.to_line(chunk[:whole])
        ran_dry = not self._starved and not self.ended
        self._starved = True
        return sound + silence_of(n - len(sound)), ran_dry


class SilenceWatch:
    """Finds the silences of +VSD: `s` when no voice was heard at all, `q` when it has stopped.

    `limit` is in samples, 0 for never.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._quiet = 0
        self._voice = False

    def hear(self, sound: bytes) -> str:
        """Take mu-law sound; give the event's letter at the moment it is due, else nothing."""
        if not self._limit:
            return ""
        if not is_quiet(sound):
            self._quiet, self._voice = 0, True
            return ""
        before, self._quiet = self._quiet, self._quiet + len(sound)
        if before < self._limit <= self._quiet:
            return "q" if self._voice else "s"
        return ""
