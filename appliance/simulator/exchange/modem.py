"""A V.253 voice modem, sans I/O: bytes of the host in, bytes for the host and sound out.

`receive_data(data, now)` takes what the host wrote, `hear(signal)` what happens on the line,
`tick(n, rx, now)` runs the codec by n samples (mu-law both ways) and `data_to_send()` gives what
the host is to read. `now` is in monotonic seconds and serves the guard; timers run on samples.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from appliance.simulator.exchange import exchange, modem_protocol
from appliance.simulator.exchange.control import UNKNOWN_CODE, HostSide
from appliance.simulator.exchange.exchange import Dialler, Toner
from appliance.simulator.exchange.knobs import Outcome
from appliance.simulator.exchange.modem_protocol import (
    CAN,
    COUNTRIES,
    ETX,
    HEARING,
    ONHOOK,
    PLAYING,
    STREAMING,
    Command,
    Form,
    Happening,
    Personality,
    Sounding,
    State,
    Unshielder,
    WrongLine,
    follow,
    fresh_settings,
    shield,
    shield_packed,
    soundings,
    split_line,
)
from appliance.simulator.exchange.signals import (
    Playout,
    SilenceWatch,
    amplified,
    codec,
    samples_of,
    silence_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.exchange.modem_protocol import Parameter
    from appliance.simulator.exchange.signals import Act, CallerId, Signal


# ---- modem -------------------------------------------------------------------------------------

HALF_LINE = samples_of(30_000)
"""A half-typed line is dropped after 30 s (v253.md 1.1)."""

ABORT_GRACE = samples_of(125)
LONGEST_LINE = 128
DLE_SAMPLE = b"\x10"
COMMAND_ROOM = 512


class VoiceModem(HostSide):
    """One modem of a personality, freshly powered."""

    def __init__(self, personality: Personality) -> None:
        super().__init__(personality)
        self.state = State.CLASS0_ONHOOK
        self.playout = Playout(codec("ulaw"))
        self.toner = Toner()
        self.dialler: Dialler | None = None
        self.last_caller: CallerId | None = None
        self.acts: list[Act] = []
        self.volts = 48.0
        self.extension_up = False
        self.chip_tones = True
        self.chip_dtmf = True
        self.chip_extension = True
        self.host_reads = True
        self.told_texts: dict[int, str] = {}
        self.vtr = "duplex" if personality.duplex else "error"
        self.underruns = self.overruns = self.dropped = 0
        self.key_held = False
        self.ringing_for = 0
        self._clock = self._line_began = self._line_ended = 0
        self._line = bytearray()
        self._todo: deque[Command] = deque()
        self._timer: int | None = None
        self._unshielder = Unshielder()
        self._last_sample = b""
        self._watch = SilenceWatch(0)
        self._idle = self._overdue = 0
        self._overran = False

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

    def take_acts(self) -> list[Act]:
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
        if code not in self.personality.tx_codes:
            self.guard.fault(UNKNOWN_CODE, self.now, f"0x{code:02x}")
        if self.state in PLAYING:
            self._playing_code(code)
        elif code == ord("!"):
            self.end_stream()

    def _playing_code(self, code: int) -> None:
        duplex = self.state is State.DUPLEX
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
        if self.state is State.DIALING or self._todo or self._timer is not None or self.toner.busy:
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
        self._run()

    def _run(self) -> None:
        while self._todo:
            outcome = perform(self, self._todo.popleft())
            if outcome is Outcome.LATER:
                return
            if outcome is not Outcome.OK:
                self._todo.clear()
                self.result(outcome.value)
                return
        self.result("OK")

    # What commands do

    def begin_stream(self, happening: Happening) -> Outcome:
        """Start sound; the caller has checked that the line is held."""
        number = int(self.settings.values["+VSM"].split(",")[0])
        self.playout = Playout(codec(self.personality.formats[number].law))
        self._unshielder = Unshielder()
        self._watch = SilenceWatch(samples_of(self.settings.number("+VSD", 1) * 100))
        self._idle = self._overdue = 0
        self.move(happening)
        self.guard.stream_began(self.now)
        return Outcome.STREAM

    def end_stream(self) -> None:
        """Go back to commands: DLE ETX after a stream that carried sound to the host, then OK."""
        if self.state in HEARING:
            self.report("\x03")
        self.move(Happening.STREAM_ENDED)
        self.result("OK")

    def move(self, happening: Happening) -> None:
        """Follow the state table."""
        self.state = follow(self.state, happening)

    def hang_up(self) -> None:
        """Put the line down, whatever is going on."""
        voice = self.settings.voice
        self.move(Happening.ON_HOOK_VOICE if voice else Happening.ON_HOOK_DATA)
        self.settings.vls = 0
        self.settings.values["+VNH"] = "0"
        self.dialler = None
        self.key_held = False
        self.toner.stop()

    def dial(self, dialler: Dialler) -> Outcome:
        """Seize the line for an ATD or ATA, whose result comes later."""
        self.move(Happening.DIAL_BEGAN)
        self.dialler = dialler
        return Outcome.LATER

    def dial_ended(self) -> None:
        """Keep the line for voice commands after a dialled number."""
        self.dialler = None
        self.move(Happening.DIAL_ENDED)

    def answer_by_itself(self) -> None:
        """Answer because the ring count has reached S0."""
        if self.settings.voice:
            self.move(Happening.OFF_HOOK)
            return
        self.dial(Dialler(answering=True, out=True))

    def later(self, after: int) -> Outcome:
        """Let the present command end after so many samples."""
        self._timer = after
        return Outcome.LATER

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
        modem_protocol.notice(self, signal)

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
        modem_protocol.forget_ring(self, n)
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
        if self.state is State.DUPLEX and self.vtr == "mute":
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
        self.raw((shield_packed if self.personality.packs_dle else shield)(data))


# ---- voice commands ----------------------------------------------------------------------------
# The commands of class 8 and of the line: what each does (v253.md 1.3, 1.4).

DIAL_GAP_MS = 70
LIU_BIT = 1
KEEP_LINE = 2
"""+VNH=2: ATH and ATZ leave the line alone."""


def _needs_voice(modem: VoiceModem) -> bool:
    return not modem.settings.voice


# Class, country, line


def choose_class(modem: VoiceModem, command: Command) -> Outcome:
    """+FCLASS: voice or data; leaving voice may free the line, any change resets +VNH."""
    if command.form is Form.TEST:
        modem.inform(modem.personality.classes)
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform_bare("8" if modem.settings.voice else "0")
        return Outcome.OK
    if command.form is Form.ACT or command.text not in {"0", "8"}:
        return Outcome.ERROR
    _enter(modem, voice=command.text == "8")
    return Outcome.OK


def _enter(modem: VoiceModem, *, voice: bool) -> None:
    kept = modem.settings.number("+VNH") or not modem.personality.drops_line_with_class
    if voice != modem.settings.voice:
        modem.settings.values["+VNH"] = "0"
    if not voice and modem.off_hook and not kept:
        modem.hang_up()
    modem.settings.voice = voice
    modem.move(Happening.VOICE_CLASS if voice else Happening.DATA_CLASS)
    if voice and modem.personality.reports_handset:
        modem.report_after_result("H" if modem.extension_up else "h")


def select_line(modem: VoiceModem, command: Command) -> Outcome:
    """+VLS: seize the line, free it, or pick a device that has none."""
    if _needs_voice(modem) or command.form is Form.ACT:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform(*modem.personality.labels.values())
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform(str(modem.settings.vls))
        return Outcome.OK
    if not command.text.isdigit() or int(command.text) not in modem.personality.labels:
        return Outcome.ERROR
    _select(modem, int(command.text))
    return Outcome.OK


def _select(modem: VoiceModem, label: int) -> None:
    if label in modem.personality.line_labels:
        modem.move(Happening.OFF_HOOK)
    else:
        modem.hang_up()
    modem.settings.vls = label


def hook(modem: VoiceModem, command: Command) -> Outcome:
    """ATH: free the line unless +VNH=2 forbids it; ATH1 seizes it."""
    if command.text == "1":
        modem.move(Happening.OFF_HOOK)
        return Outcome.OK
    if command.text not in {"", "0"}:
        return Outcome.ERROR
    if modem.settings.number("+VNH") == KEEP_LINE:
        return Outcome.OK
    if modem.personality.hang_up_leaves_voice:
        modem.settings.voice = False
    modem.hang_up()
    return Outcome.OK


def answer(modem: VoiceModem, _: Command) -> Outcome:
    """ATA: in class 8 at once, in class 0 waiting for a data carrier that never comes."""
    if modem.settings.voice:
        modem.move(Happening.OFF_HOOK)
        return Outcome.OK
    return modem.dial(exchange.Dialler(answering=True, out=True))


def dial(modem: VoiceModem, command: Command) -> Outcome:
    """ATD: seize the line, wait S6, send the digits; the result comes later."""
    number = command.text.removesuffix(";")
    if modem.extension_up and modem.settings.number("-STE") & LIU_BIT:
        return Outcome.LINE_IN_USE
    registers, was_up = modem.settings.registers, modem.off_hook
    try:
        listed = _number(modem, number)
    except WrongLine:
        return Outcome.ERROR
    lead = 0 if was_up else samples_of(registers[6] * 1000)
    modem.toner.play(listed, lead + 1, DIAL_GAP_MS)  # one sample more: never an empty list
    return modem.dial(exchange.Dialler(semicolon=command.text.endswith(";")))


def _number(modem: VoiceModem, number: str) -> list[Sounding]:
    keys = re.sub(r"[^0-9A-D*#,!]", "", number.upper().lstrip("TP"))
    registers = modem.settings.registers
    pause = [Sounding((0, 0), registers[8] * 1000)]
    flash_ms, limits = registers[29] * 10, modem.personality.tone_range
    listed: list[Sounding] = []
    for key in keys:
        listed += pause if key == "," else soundings(key, registers[11], flash_ms, limits)
    return listed


# Sound


def choose_format(modem: VoiceModem, command: Command) -> Outcome:
    """+VSM: the sound format by its number; other rates than 8000 are refused."""
    if _needs_voice(modem) or command.form is Form.ACT:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform(*(each.listing for each in modem.personality.formats.values()))
        return Outcome.OK
    if command.form is Form.READ:
        modem.inform(modem.settings.values["+VSM"])
        return Outcome.OK
    return _choose(modem, command.text.split(","))


def _choose(modem: VoiceModem, fields: list[str]) -> Outcome:
    most = len(modem.personality.default_vsm.split(","))
    if not 1 <= len(fields) <= most or not all(text.isdigit() for text in fields):
        return Outcome.ERROR
    chosen = modem.personality.formats.get(int(fields[0]))
    if chosen is None or not chosen.law or fields[1:2] not in ([], ["8000"]):
        return Outcome.ERROR
    modem.settings.values["+VSM"] = ",".join([fields[0], "8000", "0", "0"][:most])
    return Outcome.OK


_BEGINS = {
    "+VTX": Happening.TX_BEGAN,
    "+VRX": Happening.RX_BEGAN,
    "+VTR": Happening.DUPLEX_BEGAN,
}


def stream(modem: VoiceModem, command: Command) -> Outcome:
    """+VTX, +VRX, +VTR: start sound; ERROR off line, for `=?`, or without duplex."""
    able = command.name != "+VTR" or modem.vtr != "error"
    held = modem.settings.voice and modem.off_hook
    if command.form is not Form.ACT or not able or not held:
        return Outcome.ERROR
    return modem.begin_stream(_BEGINS[command.name])


def send_tones(modem: VoiceModem, command: Command) -> Outcome:
    """+VTS: tones, keys and flashes; OK only after the last of them."""
    if command.form is not Form.SET or _needs_voice(modem) or not modem.off_hook:
        return Outcome.ERROR
    registers = modem.settings.registers
    digit_ms = modem.settings.number("+VTD") * 10 or registers[11]
    limits = modem.personality.tone_range
    try:
        listed = soundings(command.text, digit_ms, registers[29] * 10, limits)
    except WrongLine:
        return Outcome.ERROR
    modem.toner.play(listed, 1, DIAL_GAP_MS)
    return Outcome.LATER


def reset_voice(modem: VoiceModem, command: Command) -> Outcome:
    """+VIP: voice parameters back to their defaults, class and line kept."""
    if _needs_voice(modem) or command.form is not Form.ACT:
        return Outcome.ERROR
    fresh = fresh_settings(modem.personality).values
    keep = {"+GCI"} | {name for name, p in modem.personality.parameters.items() if not p.voice}
    modem.settings.values |= {name: value for name, value in fresh.items() if name not in keep}
    return Outcome.OK


# ---- commands ----------------------------------------------------------------------------------
# What each AT command does; one small function each, found by name (v253.md 1.2-1.4).

if TYPE_CHECKING:
    Handler = Callable[[VoiceModem, Command], Outcome]

RESET_MS = 200
"""ATZ takes about 200 ms (v253.md 1.1)."""

ACCEPTED = frozenset("LMNBWTPYX") | {f"&{letter}" for letter in "CGJKQRST"} | {"\\N", "%C", "&X"}
"""Basic commands of a data modem, taken and without effect on voice."""

_HEX_PAIR = re.compile(r"[0-9A-F]{2}")


def perform(modem: VoiceModem, command: Command) -> Outcome:
    """Do one command and tell how it ended."""
    name = command.name
    if name in modem.refused:
        return Outcome.ERROR
    if handler := HANDLERS.get(name):
        return handler(modem, command)
    if parameter := modem.personality.parameters.get(name):
        return _parameter(modem, command, parameter)
    if name[0] == "S" and name[1:].isdigit():
        return _register(modem, command)
    if name[0] == "!" and modem.personality.dash_commands:
        modem.settings.values[name] = command.text
        return Outcome.OK
    return Outcome.OK if name in ACCEPTED else Outcome.ERROR


# Parameters kept as values


def _parameter(modem: VoiceModem, command: Command, parameter: Parameter) -> Outcome:
    if parameter.voice and not modem.settings.voice:
        return Outcome.ERROR
    prefix = f"{command.name}: " if parameter.prefixed else ""
    if command.form is Form.TEST:
        modem.inform(prefix + parameter.test)
    elif command.form is Form.READ:
        modem.inform(prefix + modem.settings.values[command.name])
    elif command.form is Form.SET:
        return _set(modem, command, parameter)
    else:
        return Outcome.ERROR
    return Outcome.OK


def _set(modem: VoiceModem, command: Command, parameter: Parameter) -> Outcome:
    old = modem.settings.values[command.name].split(",")
    new = command.text.split(",")
    if len(new) > len(old):
        return Outcome.ERROR
    merged = [text or kept for text, kept in zip(new, old, strict=False)] + old[len(new) :]
    if not all(
        text.isdigit() and low <= int(text) <= high
        for text, (low, high) in zip(merged, parameter.ranges, strict=True)
    ):
        return Outcome.ERROR
    if parameter.allowed and int(merged[0]) not in parameter.allowed:
        return Outcome.ERROR
    modem.settings.values[command.name] = ",".join(str(int(text)) for text in merged)
    return Outcome.OK


def _register(modem: VoiceModem, command: Command) -> Outcome:
    number = int(command.name[1:])
    if command.form is Form.READ:
        modem.inform(f"{modem.settings.registers.get(number, 0):03d}")
        return Outcome.OK
    value = int(command.text or 0)
    flash = number == 29
    if number > 255 or value > 255 or flash:
        return Outcome.ERROR
    modem.settings.registers[number] = value
    return Outcome.OK


# Of the command line itself


def _switch(modem: VoiceModem, command: Command) -> Outcome:
    """E, V and Q: echo, verbose, quiet; 0 when no digit follows, unchanged by any other."""
    if command.text not in {"", "0", "1"}:
        return Outcome.ERROR
    on = command.text == "1"
    if command.name == "E":
        modem.settings.echo = on
    elif command.name == "V":
        modem.settings.verbose = on
    else:
        modem.settings.quiet = on
    return Outcome.OK


def _dtr(modem: VoiceModem, command: Command) -> Outcome:
    modem.settings.dtr_action = int(command.text or 0)
    return Outcome.OK


def _factory(modem: VoiceModem, _: Command) -> Outcome:
    was_voice = modem.settings.voice
    vls, rings = modem.settings.vls, modem.settings.registers[1]
    modem.restore_settings()
    modem.settings.registers[1] = rings
    if modem.off_hook:
        modem.settings.voice, modem.settings.vls = was_voice, vls
    else:
        modem.move(Happening.DATA_CLASS)
    return Outcome.OK


def _reset(modem: VoiceModem, command: Command) -> Outcome:
    if modem.settings.number("+VNH") != KEEP_LINE:
        modem.hang_up()
    _factory(modem, command)
    return modem.later(samples_of(RESET_MS))


def _profile(modem: VoiceModem, command: Command) -> Outcome:
    """AT&V: what is set, as terminals print it (v253.md 1.3, default profile)."""
    if command.text not in {"", "0"}:
        return Outcome.ERROR
    settings = modem.settings
    switches = f"E{settings.echo:d} Q{settings.quiet:d} V{settings.verbose:d}"
    registers = " ".join(f"S{n:02d}:{value:03d}" for n, value in settings.registers.items())
    modem.inform(
        "ACTIVE PROFILE:",
        f"B1 {switches} L2 M1 N0 T W0 X4 Y0 &C1 &D{settings.dtr_action} &G0 &K3 &Q5 &R1 &S0 &X0",
        registers,
    )
    return Outcome.OK


def _information(modem: VoiceModem, command: Command) -> Outcome:
    number = int(command.text or 0)
    if number == 5:
        modem.inform(modem.settings.values["+GCI"])
    elif number in (texts := modem.personality.texts | modem.told_texts):
        modem.inform(texts[number])
    return Outcome.OK


def _identify(modem: VoiceModem, command: Command) -> Outcome:
    who = modem.personality
    modem.inform({"+GMI": who.maker, "+GMM": who.model, "+GMR": who.revision}[command.name])
    return Outcome.OK


def _country(modem: VoiceModem, command: Command) -> Outcome:
    known = sorted({each.gci for each in COUNTRIES.values()} | {"0A", "A0", "A6"})
    if command.form is Form.TEST:
        modem.inform(f"+GCI: ({','.join(known)})")
    elif command.form is Form.READ:
        modem.inform(f"+GCI: {modem.settings.values['+GCI']}")
    elif command.form is Form.SET and _HEX_PAIR.fullmatch(command.text):
        modem.settings.values["+GCI"] = command.text
    else:
        return Outcome.ERROR
    return Outcome.OK


# Reports


def _reprint(modem: VoiceModem, command: Command) -> Outcome:
    if not modem.personality.can_reprint_id:
        return Outcome.ERROR
    if command.form is Form.TEST:
        modem.inform("(0,1)")
        return Outcome.OK
    if command.form is not Form.SET or command.text not in {"0", "1"}:
        return Outcome.ERROR
    if modem.last_caller is not None:
        modem_protocol.print_identity(modem, modem.last_caller, raw=command.text == "1")
    return Outcome.OK


def _voltage(modem: VoiceModem, command: Command) -> Outcome:
    if not modem.personality.dash_commands or command.form is not Form.ACT:
        return Outcome.ERROR
    modem.inform(f"{modem.volts:.1f}")
    return Outcome.OK


HANDLERS: dict[str, Handler] = {
    "E": _switch,
    "V": _switch,
    "Q": _switch,
    "&D": _dtr,
    "&F": _factory,
    "&V": _profile,
    "Z": _reset,
    "I": _information,
    "+GMI": _identify,
    "+GMM": _identify,
    "+GMR": _identify,
    "+FCLASS": choose_class,
    "+GCI": _country,
    "+VLS": select_line,
    "H": hook,
    "A": answer,
    "D": dial,
    "+VSM": choose_format,
    "+VTX": stream,
    "+VRX": stream,
    "+VTR": stream,
    "+VTS": send_tones,
    "+VIP": reset_voice,
    "+VRID": _reprint,
    "-TRV": _voltage,
}
