"""An honest small V.253 modem on a virtual clock: this suite's own reading (v253.md 1, 2, 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from appliance.modem.events import Failed, LineEvent, Up
from appliance.modem.line import LineDriver

TICK = 0.01
TICK_SAMPLES = 80
CX_FORMATS = (
    '0,"SIGNED PCM",8,0,8000,0,0',
    '1,"UNSIGNED PCM",8,0,8000,0,0',
    '129,"IMA ADPCM",4,0,8000,0,0',
    '130,"UNSIGNED PCM",8,0,8000,0,0',
    '131,"Mu-Law",8,0,8000,0,0',
    '132,"A-Law",8,0,8000,0,0',
    '133,"14 bit PCM",14,0,8000,0,0',
)
USR_FORMATS = (
    '128,"8-BIT LINEAR",(7200,8000,11025)',
    '129,"16-BIT LINEAR",(7200,8000,11025)',
    '130,"A-LAW",(8000)',
    '131,"MU-LAW",(8000)',
    '132,"IMA ADPCM",(8000)',
)
VOICE_ONLY = ("+VSM", "+VSD", "+VIT", "+VGR", "+VGT", "+VTS", "+VTX", "+VRX", "+VTR", "+VLS")


@dataclass
class FakeModem:
    """Answers commands after `latency`; `lose` eats that many results of a command, `answers`
    are other results than its own. `refuse_once` says ERROR to the first of them. `tripled`: it
    heeds a code only behind a doubled DLE.
    """

    maker: str = "CONEXANT"
    product: str = "CX93001-EIS_V0.2013-V92"
    formats: tuple[str, ...] = CX_FORMATS
    duplex: bool = True
    refuse: set[str] = field(default_factory=set)
    refuse_once: set[str] = field(default_factory=set)
    tripled: bool = False
    lose: dict[str, int] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    latency: float = 0.004
    ends: dict[str, bytes] = field(
        default_factory=lambda: {"+VTR": b"^", "+VRX": b"!", "+VTX": b"\x03"}
    )
    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    deaf: bool = False
    voice: bool = False
    off_hook: bool = False
    stream: str = ""
    buffered: int = 0
    sound: bytes = b"\x55"
    volts: float | None = 48.0
    commands: list[str] = field(default_factory=list)
    played: bytearray = field(default_factory=bytearray)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._out: list[tuple[float, bytes]] = []
        self._line = b""
        self._escape = self._doubled = False
        self._result_at = -1.0
        self._next_tick = 0.0
        self._ending = False

    # --- the port -------------------------------------------------------------------------

    def write(self, data: bytes, now: float) -> None:
        """Take what the host wrote."""
        if self.deaf:
            return
        for byte in data:
            if self.stream and not self._ending:
                self._stream_byte(byte, now)
            else:
                self._command_byte(byte, now)

    def next_output(self) -> float | None:
        """Return when there is something to read, or a tick of sound to come."""
        times = [at for at, _ in self._out]
        if self.stream:
            times.append(self._next_tick)
        return min(times, default=None)

    def read(self, now: float) -> bytes:
        """Return everything that is due."""
        if self.stream and now >= self._next_tick:
            self._tick()
        due = b"".join(data for at, data in self._out if at <= now)
        self._out = [(at, data) for at, data in self._out if at > now]
        return due

    def say(self, data: bytes, at: float) -> None:
        """Send bytes of its own accord."""
        self._out.append((at, data))
        self._out.sort(key=lambda item: item[0])

    def ring(self, at: float, detail: str = "") -> None:
        """Ring: as text in class 0, as an event in class 8; " A" is a distinctive ring's detail."""
        self.say(b"\x10R" if self.voice else f"\r\nRING{detail}\r\n".encode(), at)
        if not self.voice:
            self._result_at = at

    def caller_id(self, at: float, *lines: str) -> None:
        """Report who calls: lines of text in class 0, one report in class 8."""
        if self.voice:
            self.say(b"\x10X" + "\r\n".join(lines).encode() + b"\x10.", at)
        else:
            self.say(b"".join(b"\r\n" + line.encode() + b"\r\n" for line in lines), at)

    def begin_stream(self, action: str, now: float) -> None:
        """Stream, as after CONNECT (or as a former owner left it)."""
        self.voice = self.off_hook = True
        self.stream, self.buffered, self._ending = action, 0, False
        self._next_tick = now + TICK

    # --- streams --------------------------------------------------------------------------

    def _tick(self) -> None:
        at = self._next_tick
        self._next_tick += TICK
        self.buffered = max(0, self.buffered - TICK_SAMPLES)
        if self._ending and not self.buffered:
            self.stream, self._ending = "", False
            self._result("OK", at)
        elif self.stream in {"+VTR", "+VRX"} and not self._ending:
            self._out.append((at, (self.sound * TICK_SAMPLES).replace(b"\x10", b"\x10\x10")))

    def _stream_byte(self, byte: int, now: float) -> None:
        if self._escape:
            self._escape = False
            self._on_escape(byte, now)
        elif byte == 0x10:
            self._escape = True
        else:
            self._doubled = False
            self._sample(byte)

    def _sample(self, byte: int) -> None:
        if self.stream != "+VRX":
            self.played.append(byte)
            self.buffered += 1

    def _on_escape(self, byte: int, now: float) -> None:
        code = bytes((byte,))
        ignored, self._doubled = self.tripled and not self._doubled, code == b"\x10"
        if self._doubled:
            self._sample(byte)
        elif ignored:
            pass
        elif code == b"\x18":
            self.buffered = 0
        elif code == self.ends[self.stream] and self.stream == "+VTX":
            self._ending = True
        elif code == self.ends[self.stream]:
            self.stream = ""
            self.say(b"\x10\x03", now + self.latency)
            self._result("OK", now + self.latency)
        elif code not in b"\x03!^\x1b":
            self.faults.append(f"unknown code {code!r} in {self.stream}")

    # --- commands -------------------------------------------------------------------------

    def _command_byte(self, byte: int, now: float) -> None:
        if byte != 0x0D:
            self._line += bytes((byte,)) if byte >= 0x20 else b""
            return
        text, self._line = self._line.decode("latin-1"), b""
        if self.echo:
            self.say(text.encode("latin-1") + b"\r", now)
        if not (match := re.search(r"AT(.*)$", text)):
            return
        if now - self._result_at < 0.1 - 1e-9:
            self.faults.append(f"{text} {1000 * (now - self._result_at):.0f} ms after a result")
        self.commands.append(text)
        self._run(match[1], now + self.latency)

    def _run(self, body: str, at: float) -> None:
        lost = self.lose.get(body, 0)
        info, result = self._effect(body)
        if body in self.refuse | self.refuse_once:
            info, result = (), "ERROR"
            self.refuse_once.discard(body)
        result = self.answers.get(body, result)
        if lost:
            self.lose[body] = lost - 1
        else:
            for line in info:
                self.say(b"\r\n" + line.encode() + b"\r\n", at)
            self._result(result, at)
        if result.startswith("CONNECT"):
            self.begin_stream(body, at)

    def _result(self, word: str, at: float) -> None:
        number = {"OK": "0", "CONNECT": "1", "ERROR": "4"}.get(word, "8")
        if not self.quiet:
            self.say(f"\r\n{word}\r\n".encode() if self.verbose else f"{number}\r".encode(), at)
        self._result_at = at

    def _effect(self, body: str) -> tuple[tuple[str, ...], str]:
        if body.startswith(VOICE_ONLY) and not self.voice:
            return (), "ERROR"
        if body in self.ends:
            able = self.off_hook and (body != "+VTR" or self.duplex) and body not in self.refuse
            return (), "CONNECT" if able else "ERROR"
        if body == "+VSM=?":
            return self.formats, "OK"
        if body == "-TRV":
            return ((), "ERROR") if self.volts is None else ((f"{self.volts:.1f}",), "OK")
        return self._parameter(body), "OK"

    def _parameter(self, body: str) -> tuple[str, ...]:
        match body:
            case "ATH" | "H":
                self.off_hook = False
            case "&F":
                self.echo, self.verbose, self.quiet = True, True, False
            case "E0V1Q0":
                self.echo, self.verbose, self.quiet = False, True, False
            case "+FCLASS=8" | "+FCLASS=0":
                self.voice = body.endswith("8") and body not in self.refuse
                self.off_hook = self.off_hook and self.voice
            case "+VLS=1":
                self.off_hook = True
            case _ if body.startswith("DT"):
                self.off_hook = self.answers.get(body, "OK") == "OK"
            case "+FCLASS?":
                return ("8" if self.voice else "0",)
            case "+GMI":
                return (f"+GMI: {self.maker}",)
            case "I3":
                return (self.product,)
        return ()


def usr5637() -> FakeModem:
    """Make a USRobotics 5637: no duplex, formats by other numbers."""
    return FakeModem(
        maker="U.S. Robotics",
        product="U.S. Robotics 56K FAX USB V1.2.23",
        formats=USR_FORMATS,
        duplex=False,
        volts=None,
    )


class Bench:
    """A driver and a modem on one virtual clock; `piece` is how many bytes a read brings."""

    def __init__(self, driver: LineDriver, modem: FakeModem, piece: int = 0) -> None:
        self.driver = driver
        self.modem = modem
        self.piece = piece
        self.now = 100.0
        self.events: list[LineEvent] = []
        self.at: list[float] = []

    def note(self, events: tuple[LineEvent, ...]) -> None:
        """Keep events with their time, and write what the driver wants written."""
        self.events += events
        self.at += [self.now] * len(events)
        self.modem.write(self.driver.data_to_send(), self.now)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while (due := self._due()) is not None and due <= end:
            self.now = max(self.now, due)
            data = self.modem.read(self.now)
            size = self.piece or len(data) or 1
            for at in range(0, len(data), size):
                self.note(self.driver.receive_data(data[at : at + size], self.now))
            self.note(self.driver.handle_timer(self.now))
        self.now = end

    def _due(self) -> float | None:
        times = (self.driver.next_deadline(), self.modem.next_output())
        return min((t for t in times if t is not None), default=None)

    def up(self) -> None:
        """Start the line and let it come up, or fail."""
        self.note(self.driver.start(self.now))
        limit = self.now + 60
        while self.now < limit and not any(isinstance(e, Up | Failed) for e in self.events):
            self.run(0.5)

    def take(self) -> list[LineEvent]:
        """Return the events so far and forget them."""
        events, self.events, self.at = self.events, [], []
        return events
