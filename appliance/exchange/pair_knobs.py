"""The knobs of a bad pair, a bad exchange, and of calls between its own lines."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from appliance.errors import ConfigurationError
from appliance.exchange import tones
from appliance.exchange.call import RELEASES, CallPlan
from appliance.exchange.country import COUNTRIES
from appliance.exchange.knob_values import number

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.exchange.country import Tone
    from appliance.exchange.outlet import Outlet


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
    tones.prepare(line.country)


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
