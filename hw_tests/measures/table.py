"""The table of all measurements, in the order in which they are made."""

from __future__ import annotations

from hw_tests.field import Measure
from hw_tests.measures import (
    calls,
    extremes,
    fax,
    hook,
    identity,
    keys,
    load,
    machine,
    one_line,
    people,
    poke,
    quiet,
    release,
    soak,
    sound,
    swept,
    tones,
    trouble,
)

EVERYWHERE = ("exchange", "two lines", "one line")
EXCHANGE = ("exchange",)
REAL = ("two lines",)
ONE = ("one line",)
PEOPLE = ("two lines", "one line")

MEASURES: tuple[Measure, ...] = (
    Measure("unit", identity.unit, ("unit",), 3, where=EVERYWHERE),
    Measure("line_voltage", identity.line_voltage, ("line_voltage",), 1, where=EVERYWHERE),
    Measure("duplex", identity.duplex, ("duplex",), 12, where=EVERYWHERE),
    Measure("dial_tone", tones.dial_tone, ("dial_tone",), 12, where=EVERYWHERE),
    Measure("idle", quiet.idle, ("idle",), 2, where=EVERYWHERE),
    Measure("calls", calls.calls, calls.KEYS, 23),
    Measure("bytes", extremes.every_byte, ("bytes",), 8),
    Measure("load", load.load, ("load", "content", "drift"), 6),
    Measure("sound", sound.sound, sound.SOUND_KEYS, 25),
    Measure("clipping", extremes.clipping, ("clipping",), 6),
    Measure("swept", swept.swept, ("swept",), 5),
    Measure("keys", keys.keys, ("keys", "keys_sent", "chip_keys"), 18),
    Measure("fax", fax.fax, ("fax",), 12),
    Measure("busy_tone", tones.busy_tone, ("busy_tone",), 14),
    Measure("congestion_tone", tones.congestion_tone, ("congestion_tone",), 7),
    Measure(
        "releases_planted",
        release.releases_planted,
        (*(f"release.{kind}" for kind in release.PLANTED), release.SILENCE),
        50,
        where=EXCHANGE,
    ),
    Measure(
        "releases",
        release.releases,
        (*(key for key, *_ in release.WAYS), release.SILENCE),
        35,
        where=REAL,
    ),
    Measure("flash", hook.flash, ("flash",), 15),
    Measure("at_4886", poke.at_4886, (poke.KEY,), 12),
    Measure("stream_end", hook.stream_end, ("stream_end",), 5, where=EVERYWHERE),
    Measure("recovery", trouble.recovery, ("recovery",), 18, where=EVERYWHERE),
    Measure(
        "recovery_usb",
        trouble.recovery_usb,
        tuple(key for key, _ in trouble.USB_STEPS),
        50,
        where=EVERYWHERE,
    ),
    Measure("kill", trouble.kill, ("kill",), 15, where=EVERYWHERE),
    Measure("lateness", machine.lateness, ("lateness",), 4, where=EVERYWHERE),
    Measure("soak", soak.soak, ("soak", "soak.sound", "soak.caller_id"), 5),
    Measure("person_call", one_line.call, one_line.CALL_KEYS, 90, where=ONE),
    Measure("extension", people.extension, ("extension",), 30, where=EVERYWHERE),
    Measure("unplug", people.unplug, ("unplug",), 60, where=EVERYWHERE),
    Measure("drops", quiet.drops, ("drops",), 1, where=EVERYWHERE),
    Measure("ghosts", quiet.ghosts, ("ghosts",), 1, where=EVERYWHERE),
    Measure("commands", quiet.commands, ("commands",), 1, where=EVERYWHERE),
    Measure("leds", people.leds, ("leds",), 20, where=PEOPLE),
    Measure("button", people.button, ("button",), 20, where=PEOPLE),
)


def measures_for(kind: str) -> tuple[Measure, ...]:
    """Give those that are made in a set-up (`World.kind`)."""
    return tuple(measure for measure in MEASURES if kind in measure.where)
