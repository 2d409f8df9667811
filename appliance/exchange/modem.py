"""A V.253 voice modem, sans I/O: bytes of the host in, bytes for the host and sound out.

`receive_data(data, now)` takes what the host wrote, `hear(signal)` what happens on the line,
`tick(n, rx, now)` runs the codec by n samples (mu-law both ways) and `data_to_send()` gives what
the host is to read. `now` is in monotonic seconds and serves the guard; timers run on samples.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from appliance.exchange import commands, notices
from appliance.exchange.codec import codec
from appliance.exchange.dialects import Personality
from appliance.exchange.dialling import Dialler, Toner
from appliance.exchange.dle import CAN, ETX, Unshielder, shield, shield_packed
from appliance.exchange.guard import UNKNOWN_CODE
from appliance.exchange.hostside import HostSide
from appliance.exchange.outcome import Outcome
from appliance.exchange.parser import Command, split_line
from appliance.exchange.playout import Playout, SilenceWatch
from appliance.exchange.sound import amplified, samples, silence
from appliance.exchange.states import (
    HEARING,
    ONHOOK,
    PLAYING,
    STREAMING,
    Happening,
    State,
    follow,
)

if TYPE_CHECKING:
    from appliance.exchange.fsk import CallerId
    from appliance.exchange.signals import Act, Signal

HALF_LINE = samples(30_000)
"""A half-typed line is dropped after 30 s (v253.md 1.1)."""

ABORT_GRACE = samples(125)
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
            outcome = commands.perform(self, self._todo.popleft())
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
        self._watch = SilenceWatch(samples(self.settings.number("+VSD", 1) * 100))
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
        notices.notice(self, signal)

    # The codec

    def tick(self, n: int, rx: bytes, now: float) -> bytes:
        """Run n samples: rx is what the line brings, the answer what the modem puts on it."""
        self.now = now
        self._clock += n
        self._timers(n)
        if self.streaming:
            return self._stream(n, rx)
        if not self.toner.busy:
            return silence(n)
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
        notices.forget_ring(self, n)
        if self.dialler is not None:
            self.dialler.tick(self, n)
        elif self._timer is not None:
            self._timer -= n
            if self._timer <= 0:
                self.resume()

    def _stream(self, n: int, rx: bytes) -> bytes:
        limit = samples(self.settings.number("+VIT") * 1000)
        self._idle += n
        if limit and self._idle > limit:
            self._inactive()
            return silence(n)
        if self.playout.drained:
            return self._drained(n)
        if self.state in HEARING:
            self._send_sound(rx)
        return self._play(n) if self.state in PLAYING else silence(n)

    def _drained(self, n: int) -> bytes:
        """End a stream whose sound was played, or so much later as was planted."""
        self._overdue += n
        if self._overdue > samples(self.end_late_ms):
            self.end_stream()
        return silence(n)

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
