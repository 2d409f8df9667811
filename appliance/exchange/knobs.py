"""What can be turned while the exchange runs, one function a knob."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.exchange.dtmf import check
from appliance.exchange.knob_values import flag, number
from appliance.exchange.pair_knobs import PAIR_KNOBS
from appliance.exchange.party import OUTCOMES, Party
from appliance.exchange.signals import Rang
from appliance.exchange.sound import Echo

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.outlet import Outlet

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
