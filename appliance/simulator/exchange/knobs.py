"""What can be turned while the exchange runs, one function a knob."""

from __future__ import annotations

import enum
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.simulator.exchange import signals
from appliance.simulator.exchange.control import OUTCOMES, RELEASES, CallPlan, Party
from appliance.simulator.exchange.modem_protocol import COUNTRIES
from appliance.simulator.exchange.signals import Echo, Rang, check

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.simulator.exchange.modem_protocol import Tone
    from appliance.simulator.exchange.service import Outlet


# ---- knob values -------------------------------------------------------------------------------
# The values that knobs take; each raises ConfigurationError in words for what is none.


def flag(name: str, value: object) -> bool:
    """Give a yes or no."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} is {value!r}: say true or false")
    return value


def number(name: str, value: object, low: float, high: float) -> float:
    """Give a number between bounds; what lies beyond them is no line that there could be."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"{name} is {value!r}: give a number")
    if not low <= value <= high:  # NaN is neither
        raise ConfigurationError(f"{name} is {value!r}: give {low:g} to {high:g}")
    return float(value)


# ---- outcome -----------------------------------------------------------------------------------
# How a command ends.


class Outcome(enum.Enum):
    """At once, refused, later, or in a stream; the value is the result code it gives."""

    OK = "OK"
    ERROR = "ERROR"
    LINE_IN_USE = "LINE IN USE"
    LATER = "later"
    STREAM = "CONNECT"


# ---- pair knobs --------------------------------------------------------------------------------
# The knobs of a bad pair, a bad exchange, and of calls between its own lines.


def release(outlet: Outlet, value: object) -> None:
    """Set how whoever talks to this line from another one lets go of it."""
    if value not in RELEASES:
        raise ConfigurationError(f"release is {value!r}: use {', '.join(RELEASES)}")
    outlet.station.line.wire.release = str(value)


def caller(outlet: Outlet, value: object) -> None:
    """Set `["0511", "before"]`: who calls from this line, and when other lines are told so."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"caller is {value!r}: give [number, before or after]")
    who, order = value
    if not re.fullmatch(r"[0-9]{1,20}|withheld|unavailable|none", str(who)):
        raise ConfigurationError(f"caller {who!r}: give a number, withheld, unavailable or none")
    if order not in {"before", "after"}:
        raise ConfigurationError(f"caller's order is {order!r}: use before or after")
    outlet.station.line.wire.caller = CallPlan(caller=str(who), id_order=str(order))


def loss(outlet: Outlet, value: object) -> None:
    """Set by how many dB the pair weakens what it brings; below 0 it strengthens."""
    outlet.station.line.wire.worn.loss_db = number("loss", value, -20, 100)


def noise(outlet: Outlet, value: object) -> None:
    """Set the noise on the pair in dBm0; None for none."""
    outlet.station.line.wire.worn.hiss(None if value is None else number("noise", value, -90, 0))


def crackle(outlet: Outlet, value: object) -> None:
    """Set the level in dBm0 of a noise that comes and goes, in place of a steady one."""
    outlet.station.line.wire.worn.hiss(number("crackle", value, -90, 0), crackles=True)


def dull(outlet: Outlet, value: object) -> None:
    """Set how much treble is lost (`Worn.dull`)."""
    outlet.station.line.wire.worn.dull = round(number("dull", value, 0, 8))


def bent(outlet: Outlet, value: object) -> None:
    """Set how bent the pair's characteristic is (`Worn.bent`)."""
    outlet.station.line.wire.worn.bent = number("bent", value, 0, 1)


def detune(outlet: Outlet, value: object) -> None:
    """Set by how many per cent the exchange's tones are too high."""
    line, factor = outlet.station.line, 1 + number("detune", value, -20, 20) / 100
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
    signals.prepare(line.country)


def bell(outlet: Outlet, value: object) -> None:
    """Set the bell's `[on, off]` in ms; None for the country's."""
    line = outlet.station.line
    if value is None:
        line.country = replace(line.country, ring=COUNTRIES[line.country.code].ring)
        return
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"bell is {value!r}: give [on, off] in ms or null")
    on_off = tuple(round(number("bell", ms, 100, 20_000)) for ms in value)
    line.country = replace(line.country, ring=on_off)


PAIR_KNOBS: dict[str, Callable[[Outlet, object], None]] = {
    "caller": caller,
    "release": release,
    "loss": loss,
    "noise": noise,
    "crackle": crackle,
    "dull": dull,
    "bent": bent,
    "detune": detune,
    "bell": bell,
}


# ---- knobs -------------------------------------------------------------------------------------

LONGEST_MS = 3_600_000
VTR = ("duplex", "error", "mute", "etx", "stuck")
"""Streams, refused, streams without a sample, left by DLE ETX alone, never left."""


def _chip_tones(outlet: Outlet, value: object) -> None:
    outlet.station.modem.chip_tones = flag("chip_tones", value)


def _chip_dtmf(outlet: Outlet, value: object) -> None:
    outlet.station.modem.chip_dtmf = flag("chip_dtmf", value)


def _chip_extension(outlet: Outlet, value: object) -> None:
    """Set whether the modem tells that another telephone was lifted."""
    outlet.station.modem.chip_extension = flag("chip_extension", value)


def _echo(outlet: Outlet, value: object) -> None:
    """Set `[loss dB, delay ms]`, or None for a clean line."""
    wire = outlet.station.line.wire
    if value is None:
        wire.echo = None
        return
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"echo is {value!r}: give [loss in dB, delay in ms] or null")
    wire.echo = Echo(
        number("echo loss", value[0], 0, 100), round(number("echo delay", value[1], 0, 1000))
    )


def _ppm(outlet: Outlet, value: object) -> None:
    """Set by how much the modem's crystal runs too fast, hearing and playing."""
    outlet.station.ppm = outlet.station.line.wire.ppm = number("ppm", value, -10_000, 10_000)


def _extension(outlet: Outlet, value: object) -> None:
    outlet.station.line.move_extension(up=flag("extension", value))


def _cut(outlet: Outlet, value: object) -> None:
    outlet.station.line.cut(cut=flag("cut", value))


def _volts(outlet: Outlet, value: object) -> None:
    """Set what lies between tip and ring; None: what cut, hook and extension make of it."""
    outlet.station.line.wire.volts = None if value is None else number("volts", value, 0, 200)


def _plugged(outlet: Outlet, value: object) -> None:
    if flag("plugged", value):
        outlet.plug_in()
    else:
        outlet.unplug()


def _outgoing(outlet: Outlet, value: object) -> None:
    if value not in OUTCOMES:
        raise ConfigurationError(f"outgoing is {value!r}: use {', '.join(OUTCOMES)}")
    outlet.station.line.wire.outgoing = str(value)


def _pbx(outlet: Outlet, value: object) -> None:
    outlet.station.line.wire.pbx = flag("pbx", value)


def _dial_tone(outlet: Outlet, value: object) -> None:
    outlet.station.line.wire.dial_tone = flag("dial_tone", value)


def _extensions(outlet: Outlet, value: object) -> None:
    """Set `{"201": {"outcome": "answer", "press": "1"}, ...}`: numbers and what they do."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"extensions is {value!r}: give an object of numbers")
    outlet.station.line.wire.extensions = {
        check(str(called)): _party(str(called), does) for called, does in value.items()
    }


def _party(called: str, does: object) -> Party:
    if not isinstance(does, dict):
        raise ConfigurationError(f"extension {called} is {does!r}: give an object of a party")
    known = {each.name: type(each.default) for each in fields(Party)}
    for name, value in does.items():
        if name not in known or type(value) is not known[name]:
            raise ConfigurationError(
                f"extension {called}: {name} = {value!r} is nothing a party has; use "
                + ", ".join(f"{each} ({kind.__name__})" for each, kind in known.items())
            )
        if isinstance(value, int):
            number(f"extension {called}: {name}", int(value), 0, LONGEST_MS)
    party = Party(**does)
    if party.outcome not in OUTCOMES:
        raise ConfigurationError(
            f"extension {called}: outcome {party.outcome!r}: use {', '.join(OUTCOMES)}"
        )
    check(party.press)
    return party


def _vtr(outlet: Outlet, value: object) -> None:
    """Set what becomes of +VTR: it streams, is refused, streams without a sample, is not left."""
    if value not in VTR:
        raise ConfigurationError(f"vtr is {value!r}: use {', '.join(VTR)}")
    outlet.station.modem.vtr = str(value)


def _called(outlet: Outlet, value: object) -> None:
    """Set the number by which the exchange's other lines reach this one."""
    if not isinstance(value, str) or not value.isdigit():
        raise ConfigurationError(f"called is {value!r}: give the digits of a number")
    line = outlet.station.line
    lines = line.wire.lines
    for old in [known for known, at in lines.items() if at is line]:
        del lines[old]
    lines[value] = line


def _wedged(outlet: Outlet, value: object) -> None:
    outlet.wedged = flag("wedged", value)


def _ignore_dtr(outlet: Outlet, value: object) -> None:
    outlet.ignore_dtr = flag("ignore_dtr", value)


def _lose_results(outlet: Outlet, value: object) -> None:
    outlet.station.modem.lose_results = round(number("lose_results", value, 0, 1000))


def _end_late(outlet: Outlet, value: object) -> None:
    """Set how many ms after the last sound the modem says that it was played."""
    outlet.station.modem.end_late_ms = number("end_late", value, 0, 10_000)


def _report(outlet: Outlet, value: object) -> None:
    if not isinstance(value, str) or not value.isascii() or not value:
        raise ConfigurationError(f"report is {value!r}: give the letters of DLE events, e.g. 'd'")
    outlet.station.modem.report(value)


def _ring(outlet: Outlet, value: object) -> None:
    """Have the modem recognise so many rings at once that nobody makes: the caller gave up."""
    on_ms, off_ms = outlet.station.line.country.ring[:2]
    for _ in range(round(number("ring", value, 1, 10))):
        outlet.station.modem.hear(Rang(on_ms, off_ms))


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
    **PAIR_KNOBS,
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


def turn(outlet: Outlet, knobs: dict[str, object]) -> None:
    """Set knobs of one line; raises ConfigurationError for an unknown name or a wrong value."""
    for name, value in knobs.items():
        if name not in KNOBS:
            raise ConfigurationError(f"knob {name!r} is not known: use {', '.join(KNOBS)}")
        KNOBS[name](outlet, value)
