"""Port of a simulated line: its modem behind a PTY, and the knobs that tests turn."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import struct
import termios
import tty
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import SAMPLE_RATE, Echo, checked_keys, samples_of
from appliance.simulator.exchange.call import OUTCOMES, RELEASES, CallPlan, Party
from appliance.simulator.exchange.commands import perform
from appliance.simulator.exchange.line import SubscriberLine
from appliance.simulator.exchange.modem import VoiceModem
from appliance.simulator.exchange.modem_protocol import PLAYING
from appliance.simulator.exchange.one_way import one_way
from appliance.simulator.exchange.signals import COUNTRIES, RingRecognised, prepare
from appliance.text import Words, _

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.simulator.exchange.modem_protocol import Personality
    from appliance.simulator.exchange.signals import Country, Tone


# ---- station -----------------------------------------------------------------------------------
# A line with its modem: one tick runs both.


class Station:
    """Line `number` and the modem at its end; `ppm` is how fast the modem's crystal runs."""

    def __init__(self, number: int, country: Country, personality: Personality) -> None:
        self.number = number
        self.line = SubscriberLine(number, country)
        self.personality = personality
        self.modem = VoiceModem(personality, perform)
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
        old, self.modem = self.modem, VoiceModem(self.personality, perform)
        self.modem.chip_tones, self.modem.chip_dtmf = old.chip_tones, old.chip_dtmf
        self.modem.chip_extension = old.chip_extension
        self.modem.guard, self.modem.vtr = old.guard, old.vtr
        self.modem.refused, self.modem.planted = old.refused, old.planted
        self.modem.end_late_ms, self.modem.poke_wanted = old.end_late_ms, old.poke_wanted
        self.modem.shields, self.modem.unshields = old.shields, old.unshields
        self.modem.fails_each, self.modem.ignores_hang_ups = old.fails_each, old.ignores_hang_ups
        self.modem.restore_settings()
        self.modem.underruns, self.modem.overruns = old.underruns, old.overruns
        self.modem.dropped = old.dropped


# ---- port --------------------------------------------------------------------------------------
# The serial port a modem is reached by: the master side of a PTY and a link to its slave.

# Bytes held for a host that does not read (100 ms of mu-law); beyond it sound is dropped.
PENDING_LIMIT = 800

HARD_LIMIT = 65_536


class PtyPort:
    """One PTY, non-blocking, raw; `link` points to the slave while the port exists."""

    def __init__(self, link: Path) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self.master, False)
        self._poll = select.poll()
        self._poll.register(self.master, 0)
        self._pending = bytearray()
        self._link = link
        link.unlink(missing_ok=True)
        link.symlink_to(self.name)

    @property
    def is_open(self) -> bool:
        """True while a host has the port open."""
        return not self._poll.poll(0)

    @property
    def host_reads(self) -> bool:
        """False while the host leaves too much unread."""
        return len(self._pending) < PENDING_LIMIT

    @property
    def waiting(self) -> int:
        """Bytes the host wrote that lie in the PTY, as far as the kernel tells (4 KB at most)."""
        return int(struct.unpack("i", fcntl.ioctl(self.master, termios.FIONREAD, b"\0\0\0\0"))[0])

    def read(self, most: int) -> bytes:
        """Give up to `most` bytes, nothing when there are none or the host has closed."""
        if most <= 0:
            return b""
        try:
            return os.read(self.master, most)
        except OSError:  # EAGAIN: nothing there; EIO: closed
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes without ever waiting; what does not go now goes with a later call."""
        if len(self._pending) < HARD_LIMIT:
            self._pending += data
        if not self._pending:
            return
        try:
            sent = os.write(self.master, self._pending)
        except OSError:  # EAGAIN: the PTY is full; EIO: closed
            return
        del self._pending[:sent]

    def forget(self) -> None:
        """Drop what was not sent: the host has closed the port."""
        self._pending.clear()

    def close(self) -> None:
        """Unplug: the host reads an end of file or an error; the link goes."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)


# ---- outlet ------------------------------------------------------------------------------------
# A station behind its port: carries bytes both ways and keeps figures of line and modem.

# More sound than this ahead of the codec fails the run.
BACKLOG_LIMIT_MS = 300


class Outlet:
    """One line as the host meets it. `now` is in monotonic seconds."""

    def __init__(
        self,
        station: Station,
        link: Path,
        capture: Capture | None = None,
        make_port: Callable[[Path], PtyPort] = PtyPort,
    ) -> None:
        self.station = station
        self.link = link
        self._make_port = make_port
        self.port: PtyPort | None = make_port(link)
        self.wedged = False
        self.ignore_dtr = False
        self.greatest_backlog_ms = 0.0
        self._capture = capture
        self._was_open = False
        self._last_name = ""

    @property
    def reads_commands(self) -> bool:
        """True when the port should be read as soon as something comes, not at the next tick."""
        return self._was_open and not self.wedged and not self.station.modem.streaming

    def tick(self, seconds: float, now: float) -> None:
        """Read what the modem takes, run the line, write what the host gets."""
        station = self.station
        n = station.samples_in(seconds)
        port = self.port
        if port is None:
            station.tick(n, now)
            return
        self._follow_opening(port, now)
        self._read(port, now)
        station.modem.host_reads = port.host_reads
        station.tick(n, now)
        self._write(port, now)

    def serve(self, now: float) -> None:
        """Take commands between ticks and answer at once."""
        if self.port is not None:
            self._read(self.port, now)
            self._write(self.port, now)

    def _follow_opening(self, port: PtyPort, now: float) -> None:
        is_open = port.is_open
        if is_open == self._was_open:
            return
        if not is_open:
            self._read(port, now)
            port.forget()
            if not self.ignore_dtr:
                self.station.modem.drop_dtr()
        self._was_open = is_open

    def _read(self, port: PtyPort, now: float) -> None:
        if not self._was_open or self.wedged:
            return
        modem = self.station.modem
        data = port.read(modem.room)
        if data:
            if self._capture:
                self._capture.write(self.station.number, "host", data, now)
            modem.receive_data(data, now)
        if modem.state in PLAYING:
            self._measure(port)

    def _measure(self, port: PtyPort) -> None:
        """Keep the greatest lead: the modem's buffer and what still lies in the PTY."""
        playout = self.station.modem.playout
        backlog = playout.fill_ms
        if not playout.room:
            backlog += playout.ms(port.waiting)
        self.greatest_backlog_ms = max(self.greatest_backlog_ms, backlog)

    def _write(self, port: PtyPort, now: float) -> None:
        data = self.station.modem.data_to_send()
        if self.wedged or not self._was_open:
            return
        if data and self._capture:
            self._capture.write(self.station.number, "modem", data, now)
        port.write(data)

    def unplug(self) -> None:
        """Take the modem away: port, power and call are gone."""
        if self.port is None:
            return
        self._last_name = self.port.name
        self.port.close()
        self.port = None
        self._was_open = False
        self.station.power_cycle()

    def plug_in(self) -> None:
        """Bring the modem back, on a new PTY of another number than the last."""
        if self.port is not None:
            return
        self.port = self._make_port(self.link)
        if self.port.name == self._last_name:
            taken = self.port
            self.port = self._make_port(self.link)  # the same number cannot be given twice
            os.close(taken.master)

    def close(self) -> None:
        """Remove the port for good."""
        if self.port is not None:
            self.port.close()
            self.port = None

    def report(self) -> dict[str, object]:
        """Give the figures of this line, for `status` and the final report."""
        modem, line = self.station.modem, self.station.line
        return {
            "line": self.station.number,
            "dialect": modem.personality.name,
            "port": self.port.name if self.port else "",
            "open": self._was_open,
            "modem": str(modem.state),
            "off_hook": modem.off_hook,
            "line_state": str(line.state),
            "volts": line.volts,
            "calls": line.calls,
            "last_dialled": line.last_dialled,
            "reached_ms": line.reached_ms,
            "backlog_ms": round(modem.playout.fill_ms, 1) if modem.state in PLAYING else 0.0,
            "greatest_backlog_ms": round(self.greatest_backlog_ms, 1),
            "underruns": modem.underruns,
            "overruns": modem.overruns,
            "dropped_bytes": modem.dropped,
            "protocol_faults": dict(modem.guard.faults),
            "last_faults": list(modem.guard.last),
        }


# ---- capture -----------------------------------------------------------------------------------
# Capture of every byte both ways with its time, as JSON lines (`exchange --capture`).


class Capture:
    """Writes `{"t": s, "line": n, "from": "host"|"modem", "hex": ...}` lines to a file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", buffering=1 << 20)

    def write(self, line: int, side: str, data: bytes, now: float) -> None:
        """Note bytes of one side of one line at monotonic second now."""
        entry = {"t": round(now, 6), "line": line, "from": side, "hex": data.hex()}
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Write out what is left."""
        self._file.close()


# ---- knobs -------------------------------------------------------------------------------------

LONGEST_MS = 3_600_000
# Streams, refused, streams without a sample, left by DLE ETX alone, never left.
VTR = ("duplex", "error", "mute", "etx", "stuck")


def _chip_tones(outlet: Outlet, value: object) -> None:
    outlet.station.modem.chip_tones = flag_value("chip_tones", value)


def _chip_dtmf(outlet: Outlet, value: object) -> None:
    outlet.station.modem.chip_dtmf = flag_value("chip_dtmf", value)


def _chip_extension(outlet: Outlet, value: object) -> None:
    """Set whether the modem tells that another telephone was lifted."""
    outlet.station.modem.chip_extension = flag_value("chip_extension", value)


def _echo(outlet: Outlet, value: object) -> None:
    """Set `[loss dB, delay ms]`, or None for a clean line."""
    wire = outlet.station.line.wire
    if value is None:
        wire.echo = None
        return
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"echo is {value!r}: give [loss in dB, delay in ms] or null")
    wire.echo = Echo(
        number_value(_("echo loss"), value[0], 0, 100),
        round(number_value(_("echo delay"), value[1], 0, 1000)),
    )


def _ppm(outlet: Outlet, value: object) -> None:
    """Set by how much the modem's crystal runs too fast, hearing and playing."""
    outlet.station.ppm = outlet.station.line.wire.ppm = number_value("ppm", value, -10_000, 10_000)


def _extension(outlet: Outlet, value: object) -> None:
    outlet.station.line.move_extension(up=flag_value("extension", value))


def _cut(outlet: Outlet, value: object) -> None:
    outlet.station.line.cut(cut=flag_value("cut", value))


def _volts(outlet: Outlet, value: object) -> None:
    """Set what lies between tip and ring; None: what cut, hook and extension make of it."""
    outlet.station.line.wire.volts = None if value is None else number_value("volts", value, 0, 200)


def _plugged(outlet: Outlet, value: object) -> None:
    if flag_value("plugged", value):
        outlet.plug_in()
    else:
        outlet.unplug()


def _outgoing(outlet: Outlet, value: object) -> None:
    if value not in OUTCOMES:
        raise ConfigurationError(f"outgoing is {value!r}: use {', '.join(OUTCOMES)}")
    outlet.station.line.wire.outgoing = str(value)


def _pbx(outlet: Outlet, value: object) -> None:
    outlet.station.line.wire.pbx = flag_value("pbx", value)


def _dial_tone(outlet: Outlet, value: object) -> None:
    outlet.station.line.wire.dial_tone = flag_value("dial_tone", value)


def _extensions(outlet: Outlet, value: object) -> None:
    """Set `{"201": {"outcome": "answer", "press": "1"}, ...}`: numbers and what they do."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"extensions is {value!r}: give an object of numbers")
    outlet.station.line.wire.extensions = {
        checked_keys(str(called)): _party(str(called), does) for called, does in value.items()
    }


def _party(called: str, does: object) -> Party:
    if not isinstance(does, dict):
        raise ConfigurationError(f"extension {called} is {does!r}: give an object of a party")
    known = {each.name: type(each.default) for each in fields(Party)}
    for name, value in does.items():
        if name not in known or type(value) is not known[name]:
            listed = ", ".join(f"{each} ({kind.__name__})" for each, kind in known.items())
            raise ConfigurationError(
                _(
                    "extension {called}: {name} = {value!r} is nothing a party has; use {known}",
                    called=called,
                    name=name,
                    value=value,
                    known=listed,
                )
            )
        if isinstance(value, int):
            place = _("extension {called}: {name}", called=called, name=name)
            number_value(place, int(value), 0, LONGEST_MS)
    party = Party(**does)
    if party.outcome not in OUTCOMES:
        raise ConfigurationError(
            _(
                "extension {called}: outcome {outcome!r}: use {known}",
                called=called,
                outcome=party.outcome,
                known=", ".join(OUTCOMES),
            )
        )
    checked_keys(party.press)
    return party


def _vtr(outlet: Outlet, value: object) -> None:
    """Set what becomes of +VTR: it streams, is refused, streams without a sample, is not left."""
    if value not in VTR:
        raise ConfigurationError(f"vtr is {value!r}: use {', '.join(VTR)}")
    outlet.station.modem.vtr = str(value)


def _called(outlet: Outlet, value: object) -> None:
    """Set the number by which the exchange's other lines reach this one."""
    if not isinstance(value, str) or not value.isdigit():
        raise ConfigurationError(_("called is {value!r}: give the digits of a number", value=value))
    line = outlet.station.line
    lines = line.wire.lines
    for old in [known for known, at in lines.items() if at is line]:
        del lines[old]
    lines[value] = line


def _wedged(outlet: Outlet, value: object) -> None:
    outlet.wedged = flag_value("wedged", value)


def _ignore_dtr(outlet: Outlet, value: object) -> None:
    outlet.ignore_dtr = flag_value("ignore_dtr", value)


def _lose_results(outlet: Outlet, value: object) -> None:
    outlet.station.modem.lose_results = round(number_value("lose_results", value, 0, 1000))


def _end_late(outlet: Outlet, value: object) -> None:
    """Set how many ms after the last sound the modem says that it was played."""
    outlet.station.modem.end_late_ms = number_value("end_late", value, 0, 10_000)


def _report(outlet: Outlet, value: object) -> None:
    if not isinstance(value, str) or not value.isascii() or not value:
        raise ConfigurationError(f"report is {value!r}: give the letters of DLE events, e.g. 'd'")
    outlet.station.modem.report(value)


def _ring(outlet: Outlet, value: object) -> None:
    """Have the modem recognise so many rings at once that nobody makes: the caller gave up."""
    on_ms, off_ms = outlet.station.line.country.ring[:2]
    for _number in range(round(number_value("ring", value, 1, 10))):
        outlet.station.modem.hear(RingRecognised(on_ms, off_ms))


def _poke_wanted(outlet: Outlet, value: object) -> None:
    """Have the modem read who calls only once AT!4886 was set to this: "02"; "" for always."""
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9A-F]{2})?", value):
        raise ConfigurationError(f"poke_wanted is {value!r}: give two hex digits or ''")
    outlet.station.modem.poke_wanted = value


def _refuse(outlet: Outlet, value: object) -> None:
    """Set the commands this modem answers with ERROR, by name: ["+VTR"]."""
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(f"refuse is {value!r}: give a list of commands, e.g. ['+VTR']")
    outlet.station.modem.refused = frozenset(name.upper() for name in value)


def _values(outlet: Outlet, value: object) -> None:
    """Plant parameters that hold from now on and after every reset: {"+VIT": "1"}."""
    modem = outlet.station.modem
    counts = {name: len(known.ranges) for name, known in modem.personality.parameters.items()}
    if not isinstance(value, dict) or not all(
        name in counts and re.fullmatch(rf"\d+(,\d+){{{counts[name] - 1}}}", str(text))
        for name, text in value.items()
    ):
        raise ConfigurationError(f"values is {value!r}: give this make's parameters, '+VIT': '1'")
    modem.planted = {name: str(text) for name, text in value.items()}
    modem.settings.values |= modem.planted


def _identity(outlet: Outlet, value: object) -> None:
    """Set what ATI says, by its number: {"0": "34800", "3": "LT V.92 Data+Fax Modem"}."""
    if not isinstance(value, dict) or not all(
        re.fullmatch(r"\d", str(name)) and isinstance(text, str) and text.isascii()
        for name, text in value.items()
    ):
        raise ConfigurationError(f"identity is {value!r}: give ATI's numbers and texts")
    outlet.station.modem.told_texts = {int(name): text for name, text in value.items()}


def turn_knobs(outlet: Outlet, knobs: dict[str, object]) -> None:
    """Set knobs of one line; raises ConfigurationError for an unknown name or a wrong value."""
    for name, value in knobs.items():
        if name not in KNOBS:
            raise ConfigurationError(f"knob {name!r} is not known: use {', '.join(KNOBS)}")
        KNOBS[name](outlet, value)


# ---- pair knobs --------------------------------------------------------------------------------
# The knobs of a bad pair, a bad exchange, and of calls between its own lines.


def _release(outlet: Outlet, value: object) -> None:
    """Set how whoever talks to this line from another one lets go of it."""
    if value not in RELEASES:
        raise ConfigurationError(f"release is {value!r}: use {', '.join(RELEASES)}")
    outlet.station.line.wire.release = str(value)


def _caller(outlet: Outlet, value: object) -> None:
    """Set `["0511", "before"]`: who calls from this line, and when other lines are told so."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"caller is {value!r}: give [number, before or after]")
    who, order = value
    if not re.fullmatch(r"[0-9]{1,20}|withheld|unavailable|none", str(who)):
        raise ConfigurationError(f"caller {who!r}: give a number, withheld, unavailable or none")
    if order not in {"before", "after"}:
        raise ConfigurationError(f"caller's order is {order!r}: use before or after")
    outlet.station.line.wire.caller = CallPlan(caller=str(who), id_order=str(order))


def _loss(outlet: Outlet, value: object) -> None:
    """Set by how many dB the pair weakens what it brings; below 0 it strengthens."""
    outlet.station.line.wire.worn.loss_db = number_value("loss", value, -20, 100)


def _noise(outlet: Outlet, value: object) -> None:
    """Set the noise on the pair in dBm0; None for none."""
    outlet.station.line.wire.worn.hiss(
        None if value is None else number_value("noise", value, -90, 0)
    )


def _crackle(outlet: Outlet, value: object) -> None:
    """Set the level in dBm0 of a noise that comes and goes, in place of a steady one."""
    outlet.station.line.wire.worn.hiss(number_value("crackle", value, -90, 0), crackles=True)


def _dull(outlet: Outlet, value: object) -> None:
    """Set how much treble is lost (`Worn.dull`)."""
    outlet.station.line.wire.worn.dull = round(number_value("dull", value, 0, 8))


def _bent(outlet: Outlet, value: object) -> None:
    """Set how bent the pair's characteristic is (`Worn.bent`)."""
    outlet.station.line.wire.worn.bent = number_value("bent", value, 0, 1)


def _hears(outlet: Outlet, value: object) -> None:
    """Set what the line does to all that its modem hears: {"gate": -40, "times": [2, 10]}."""
    outlet.station.line.wire.hears = one_way("hears", value)


def _says(outlet: Outlet, value: object) -> None:
    """Set what the line does to all that its modem says."""
    outlet.station.line.wire.says = one_way("says", value)


def _id_calls(outlet: Outlet, value: object) -> None:
    """Set from which call on nobody is told any more who calls; None for never."""
    calls = None if value is None else round(number_value("id_calls", value, 0, 10_000))
    outlet.station.line.wire.id_calls = calls


def _ghost(outlet: Outlet, value: object) -> None:
    """Have the idle line ring every so many seconds without a call; 0 for never."""
    outlet.station.line.wire.ghost = samples_of(1000 * number_value("ghost", value, 0, 3600))


def _fails_each(outlet: Outlet, value: object) -> None:
    """Have the modem answer every so manyth command by ERROR; 0 for none."""
    outlet.station.modem.fails_each = round(number_value("fails_each", value, 0, 10_000))


def _ignores_hang_ups(outlet: Outlet, value: object) -> None:
    """Set how many of the next ATH the modem passes over without a word."""
    outlet.station.modem.ignores_hang_ups = round(number_value("ignores_hang_ups", value, 0, 1000))


def _shields(outlet: Outlet, value: object) -> None:
    """Set whether the modem doubles the DLE in the sound that it sends."""
    outlet.station.modem.shields = flag_value("shields", value)


def _unshields(outlet: Outlet, value: object) -> None:
    """Set whether the modem takes a doubled DLE in the host's sound for one."""
    outlet.station.modem.unshields = flag_value("unshields", value)


def _detune(outlet: Outlet, value: object) -> None:
    """Set by how many per cent the exchange's tones are too high."""
    line, factor = outlet.station.line, 1 + number_value("detune", value, -20, 20) / 100
    true = COUNTRIES[line.country.code]

    def off(tone: Tone) -> Tone:
        return replace(tone, frequencies=tuple(round(hz * factor) for hz in tone.frequencies))

    line.country = replace(
        line.country,
        dial=off(true.dial),
        ringback=off(true.ringback),
        busy=off(true.busy),
        congestion=off(true.congestion),
    )
    prepare(line.country)


def _bell(outlet: Outlet, value: object) -> None:
    """Set the bell's `[on, off]` in ms; None for the country's."""
    line = outlet.station.line
    if value is None:
        line.country = replace(line.country, ring=COUNTRIES[line.country.code].ring)
        return
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"bell is {value!r}: give [on, off] in ms or null")
    on_off = tuple(round(number_value("bell", ms, 100, 20_000)) for ms in value)
    line.country = replace(line.country, ring=on_off)


# ---- knob values -------------------------------------------------------------------------------
# Validators of knob values; each raises ConfigurationError with a sentence.


def flag_value(name: str, value: object) -> bool:
    """Give a yes or no."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {value!r}: say true or false")
    return value


def number_value(name: str | Words, value: object, low: float, high: float) -> float:
    """Give a number between bounds; what lies beyond them is no line that there could be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} is {value!r}: give a number")
    if not low <= value <= high:  # NaN is neither
        raise ConfigurationError(
            _(
                "{name} is {value}: give {low} to {high}",
                name=name,
                value=value,
                low=f"{low:g}",
                high=f"{high:g}",
            )
        )
    return float(value)


KNOBS: dict[str, Callable[[Outlet, object], None]] = {
    "chip_tones": _chip_tones,
    "chip_dtmf": _chip_dtmf,
    "chip_extension": _chip_extension,
    "echo": _echo,
    "ppm": _ppm,
    "extension": _extension,
    "cut": _cut,
    "volts": _volts,
    "plugged": _plugged,
    "outgoing": _outgoing,
    "pbx": _pbx,
    "dial_tone": _dial_tone,
    "extensions": _extensions,
    "vtr": _vtr,
    "called": _called,
    "caller": _caller,
    "release": _release,
    "loss": _loss,
    "noise": _noise,
    "crackle": _crackle,
    "dull": _dull,
    "bent": _bent,
    "detune": _detune,
    "bell": _bell,
    "hears": _hears,
    "says": _says,
    "id_calls": _id_calls,
    "ghost": _ghost,
    "fails_each": _fails_each,
    "ignores_hang_ups": _ignores_hang_ups,
    "shields": _shields,
    "unshields": _unshields,
    "wedged": _wedged,
    "ignore_dtr": _ignore_dtr,
    "lose_results": _lose_results,
    "end_late": _end_late,
    "report": _report,
    "poke_wanted": _poke_wanted,
    "ring": _ring,
    "refuse": _refuse,
    "values": _values,
    "identity": _identity,
}
