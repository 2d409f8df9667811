"""Builds an exchange in a directory and runs it there; everything is removed afterwards."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from appliance.errors import TechnicianError
from appliance.simulator.exchange import control, signals
from appliance.simulator.exchange.control import Leavers
from appliance.simulator.exchange.exchange import LineState, Ringing, Trunk, Wire
from appliance.simulator.exchange.modem import VoiceModem
from appliance.simulator.exchange.modem_protocol import Country, Personality, country, personality
from appliance.simulator.exchange.service import Exchange, Outlet
from appliance.simulator.exchange.signals import (
    PAIRS,
    SAMPLE_RATE,
    Announced,
    Dialled,
    ExtensionMoved,
    Flashed,
    LoopBroke,
    burst,
    silence_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from appliance.simulator.exchange.control import Call, Capture, Message
    from appliance.simulator.exchange.exchange import Register
    from appliance.simulator.exchange.signals import Act, Signal


# ---- line --------------------------------------------------------------------------------------
# One analog line between a caller and a modem, run by the modem's own sample clock.
#
# Each tick the station asks `to_modem(n)` for what the pair brings and tells `from_modem(...)` what
# the modem put on it. Sound is mu-law and passes unchanged unless an echo is switched on.


class Line:
    """A line of a country's exchange."""

    def __init__(self, number: int, country: Country) -> None:
        self.number = number
        self.country = country
        self.wire = Wire()
        self.state = LineState.IDLE
        self.call: Call | None = None
        self.calls = 0
        self.last_dialled = ""
        self._ringing: Ringing | None = None
        self._register: Register | None = None
        self._tone: Announced | None = None
        self._leavers = Leavers()
        self._signals: list[Signal] = []
        self._modem_up = False

    @property
    def is_free(self) -> bool:
        """True when a call would ring."""
        return self.state is LineState.IDLE and not self.wire.cut

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

    def place(self, call: Call) -> None:
        """Ring for a call; on a line in use the caller hears busy and the call is over."""
        self.calls += 1
        if self.state is not LineState.IDLE:
            call.end("line busy")
            call.done = True
            return
        self.call = call
        self._ringing = Ringing(self.country, call.plan)
        self.state = LineState.RINGING

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
        if self.state in {LineState.TALKING, LineState.ON_HOLD} and self.call:
            self._finish(self.call, "line cut")

    # To the modem

    def to_modem(self, n: int) -> tuple[bytes, list[Signal]]:
        """Give n samples of what the pair brings to the modem, and what the chip makes of it."""
        early, self._signals = self._signals, []
        if self.state is LineState.IDLE and not self._leavers:
            return self.wire.bring(silence_of(n)), early
        if self.call is not None:
            self.call.pass_time(n)
        if self._leavers:
            self._leavers.pass_time(n)
        sound, signals = self._sound(n)
        mixed = self.wire.bring(sound)
        if self.wire.cut:
            return silence_of(n), early
        return mixed, early + signals

    def _sound(self, n: int) -> tuple[bytes, list[Signal]]:
        if self.state is LineState.RINGING:
            return self._ring(n)
        if self.state is LineState.TALKING and self.call is not None:
            return self._talk(self.call, n)
        if self.state is LineState.ON_HOLD and self.call is not None:
            self._wait_on_hold(self.call, n)
        source = self._tone if self.state is LineState.RELEASED else self._register
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
            self.state = LineState.IDLE
        return sound, signals

    def _talk(self, call: Call, n: int) -> tuple[bytes, list[Signal]]:
        if call.hangs_up(n):
            self._release(call)
            return self._sound(n)
        return call.speak(n)

    def _wait_on_hold(self, call: Call, n: int) -> None:
        """A caller on hold may hang up; the modem hears of it once it has flashed back."""
        if not call.report.ended_by and call.hangs_up(n):
            call.end("caller")

    def _release(self, call: Call) -> None:
        """Let the far end hang up in its way; the line stays held until the host hangs up."""
        kind = call.plan.release
        if not call.report.ended_by:
            call.end("caller")
        call.report.release = kind
        self.state = LineState.RELEASED
        self._tone = None
        if kind == "loop":
            self._signals.append(LoopBroke())
        elif kind != "silence":
            # No chip names congestion: it is in the table of events, but in no mask (v253.md 1.4).
            name = kind if kind in {"dial", "congestion"} else "busy"
            self._tone = Announced(name, self.country.tone(kind))

    # From the modem

    def from_modem(self, sound: bytes, acts: Sequence[Act], *, off_hook: bool) -> None:
        """Take what the modem put on the pair: sound, digits, flashes, and its hook."""
        self._modem_up = off_hook
        for act in acts:
            self._act(act)
        self._follow_hook()
        if self.call is not None and self.state is LineState.TALKING:
            self.call.hear(sound)
        elif self.call is not None and self.state is LineState.ON_HOLD:
            self.call.hear(silence_of(len(sound)))
        if self._register is not None:
            self._register.hear(sound)
        if self.wire.echo:
            self.wire.echo.sent(sound)

    def _follow_hook(self) -> None:
        if self.held and not self.wire.cut:
            if self.state is LineState.RINGING:
                self._answer()
            elif self.state is LineState.IDLE:
                self._seize()
        elif self.state not in {LineState.IDLE, LineState.RINGING}:
            self._free()

    def _answer(self) -> None:
        assert self.call is not None
        self.call.answer()
        self.state = LineState.TALKING

    def _seize(self) -> None:
        self._register = self.wire.register(self.country)
        self.state = LineState.OWN_CALL

    def _free(self) -> None:
        call, self.call = self.call, None
        state, self.state = self.state, LineState.IDLE
        register = self._leave_register()
        if call is None:
            return
        call.report.line_freed_after_s = call.seconds
        if state is LineState.RELEASED or call.report.ended_by:
            call.done = True
        elif state is LineState.ON_HOLD and register and register.digits:
            call.report.transferred_to = register.digits
            call.report.transfer_found = register.outcome
            self._finish(call, "transferred")
        else:
            self._let_go(call)

    @property
    def reached_ms(self) -> float:
        """How much sound has reached whoever the modem has called (ms); 0 with nobody there."""
        return self._register.reached_ms if self._register else 0.0

    def _leave_register(self) -> Register | None:
        register, self._register = self._register, None
        if register is not None:
            register.let_go()
        return register

    def _let_go(self, call: Call) -> None:
        """Give the busy tone to a caller whose call the host has ended."""
        call.end("host")
        self._leavers.add(call, self.country.busy)

    def _finish(self, call: Call, by: str) -> None:
        call.end(by)
        call.done = True
        self.call = None

    def _act(self, act: Act) -> None:
        if isinstance(act, Flashed):
            self._flash(act.ms)
        elif isinstance(act, Dialled) and self._register is not None:
            self._register.digit(act.digit)
            self.last_dialled = self._register.digits
        elif isinstance(act, Dialled) and isinstance(self.call, Trunk):
            self.call.key_of_called(act.digit)

    def _flash(self, ms: int) -> None:
        if self.call is not None:
            self.call.report.flashes_ms.append(ms)
        if ms > self.country.flash_limit_ms:
            self._modem_up = False
            self._follow_hook()
            self._modem_up = True
        elif self.wire.pbx and self.state is LineState.TALKING:
            self._register = self.wire.register(self.country)
            self.state = LineState.ON_HOLD
        elif self.state is LineState.ON_HOLD and self.call is not None:
            self._leave_register()
            self.state = LineState.TALKING
            if self.call.report.ended_by:
                self._release(self.call)


# ---- station -----------------------------------------------------------------------------------
# A line with its modem: one tick runs both.


class Station:
    """Line `number` and the modem at its end; `ppm` is how fast the modem's crystal runs."""

    def __init__(self, number: int, country: Country, personality: Personality) -> None:
        self.number = number
        self.line = Line(number, country)
        self.personality = personality
        self.modem = VoiceModem(personality)
        self.ppm = 0.0
        self._owed = 0.0

    def samples_in(self, seconds: float) -> int:
        """Give the samples this crystal counts in a stretch of true time, keeping the rest."""
        self._owed += seconds * SAMPLE_RATE * (1 + self.ppm * 1e-6)
        due = int(self._owed + 1e-6)
        self._owed -= due
        return due

    def tick(self, n: int, now: float) -> None:
        """Run n samples at monotonic second now."""
        line, modem = self.line, self.modem
        rx, signals = line.to_modem(n)
        modem.volts = line.volts
        for signal in signals:
            modem.hear(signal)
        sound = modem.tick(n, rx, now)
        line.from_modem(sound, modem.take_acts(), off_hook=modem.off_hook)

    def power_cycle(self) -> None:
        """Replace the modem by the same one freshly powered; what was planted stays planted."""
        old, self.modem = self.modem, VoiceModem(self.personality)
        self.modem.chip_tones, self.modem.chip_dtmf = old.chip_tones, old.chip_dtmf
        self.modem.chip_extension = old.chip_extension
        self.modem.guard, self.modem.vtr = old.guard, old.vtr
        self.modem.refused, self.modem.planted = old.refused, old.planted
        self.modem.end_late_ms, self.modem.poke_wanted = old.end_late_ms, old.poke_wanted
        self.modem.restore_settings()
        self.modem.underruns, self.modem.overruns = old.underruns, old.overruns
        self.modem.dropped = old.dropped


# ---- premises ----------------------------------------------------------------------------------


def control_address(descriptor: int) -> str:
    """Give the address of `control` in an opened directory, short whatever the path's length."""
    return f"/proc/self/fd/{descriptor}/control"


def listen(directory: Path) -> socket.socket:
    """Open DIR/control; raises TechnicianError when another exchange answers there."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_PATH)
    address = control_address(descriptor)
    listener = socket.socket(socket.AF_UNIX)
    try:
        _clear(directory, address)
        listener.bind(address)
        listener.listen(64)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(descriptor)
    return listener


def _clear(directory: Path, address: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            (directory / "control").unlink(missing_ok=True)
            return
    raise TechnicianError(f"an exchange already runs in {directory}: stop it or choose another")


def build(
    directory: Path, dialects: Sequence[str], code: str, capture: Capture | None = None
) -> Exchange:
    """Make an exchange with one line per dialect; raises ConfigurationError, TechnicianError."""
    where = country(code)
    makes = [personality(name) for name in dialects]
    signals.prepare(where)
    for digit in PAIRS:
        burst(digit)
    listener = listen(directory)
    outlets = [
        Outlet(Station(number, where, make), directory / f"line{number}", capture)
        for number, make in enumerate(makes, 1)
    ]
    for outlet in outlets[1:]:  # one directory of numbers for all
        outlet.station.line.wire.lines = outlets[0].station.line.wire.lines
    return Exchange(outlets, listener)


def run(exchange: Exchange, directory: Path) -> Message:
    """Run until stopped, then clean up; gives the final report."""
    exchange.real_time = control.take()
    try:
        exchange.run()
        return exchange.status()
    finally:
        exchange.close()
        (directory / "control").unlink(missing_ok=True)
