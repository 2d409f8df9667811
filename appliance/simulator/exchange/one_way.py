"""Impairments of one direction of a simulated line: `hears` and `says`, constant or at times.

`hears` is what the modem at the line's end hears, `says` what it says; two lines that call each
other so have two places on either way between them.
"""

from __future__ import annotations

import audioop
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.errors import ConfigurationError
from appliance.simulator.exchange.audio import (
    EVERY_BYTE,
    RMS_OF_SINE,
    SAMPLE_RATE,
    RepeatedSound,
    WornPair,
    amplified,
    peak_of,
    samples_of,
    silence_of,
    sine,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HANG = samples_of(100)
"""A suppressor and a gate stay as they are for so long after the last sound."""
SPEAKS_DBM0 = -40.0
"""Louder than that somebody speaks, to a suppressor."""
HUM_HZ = (50.0, 150.0, 250.0)
"""The mains and what rectifiers make of it; the last two within a telephone's band."""


def rms_of(dbm0: float) -> float:
    """Give the root mean square (16-bit units) of a level."""
    return peak_of(dbm0) * RMS_OF_SINE


def loudness(sound: bytes) -> float:
    """Give the root mean square of mu-law sound."""
    return audioop.rms(g711.ulaw_to_linear(sound), 2) if sound else 0.0


@lru_cache(maxsize=16)
def clipping_table(dbm0: float) -> bytes:
    """Give for each mu-law byte what an amplifier that reaches no further than a sine of so many
    dBm0 makes of it.
    """
    peak = round(peak_of(dbm0))
    pcm = array("h", g711.ulaw_to_linear(EVERY_BYTE))
    return g711.linear_to_ulaw(array("h", (max(-peak, min(peak, each)) for each in pcm)).tobytes())


@lru_cache(maxsize=8)
def hum(dbm0: float) -> bytes:
    """Render a second of hum, each part 6 dB below the one before, as 16-bit samples."""
    parts = tuple((hz, dbm0 - 6.0 * n) for n, hz in enumerate(HUM_HZ))
    return g711.ulaw_to_linear(sine(parts, SAMPLE_RATE))


class Slips:
    """A buffer between two clocks: every `period` it repeats or leaves out `size`, in turns."""

    def __init__(self, size: int, period: int) -> None:
        self._size, self._period = size, period
        self._until = period
        self._ahead = bytearray()

    def mix(self, sound: bytes) -> bytes:
        """Give as many samples as come, later by `size` behind every other slip."""
        self._ahead += sound
        self._until -= len(sound)
        if self._until <= 0:
            self._until += self._period
            if len(self._ahead) > len(sound):
                del self._ahead[: self._size]
            else:
                self._ahead[:0] = self._ahead[: self._size].ljust(self._size, b"\xff")
        piece = bytes(self._ahead[: len(sound)])
        del self._ahead[: len(sound)]
        return piece + silence_of(len(sound) - len(piece))


@dataclass(slots=True)
class OneWay:
    """One direction; as it is made, it changes nothing.

    `clip_dbm0`: nothing gets louder than a sine of that level. `gate_dbm0`: what is fainter is
    nothing. `suppress_db`: so much weaker while the other side speaks (an echo suppressor).
    `drop`: for so many samples of every so many there is nothing. `times`: all that is only so
    for some samples of every so many; (1, 1): always.
    """

    worn: WornPair = field(default_factory=WornPair)
    clip_dbm0: float | None = None
    gate_dbm0: float | None = None
    suppress_db: float = 0.0
    slips: Slips | None = None
    drop: tuple[int, int] | None = None
    humming: RepeatedSound | None = None
    times: tuple[int, int] = (1, 1)
    _clock: int = 0
    _spoke: int = 0
    _heard: int = 0

    def mix(self, sound: bytes, opposite: bytes) -> bytes:
        """Give what arrives of mu-law sound while `opposite` goes the other way."""
        self._clock += len(sound)
        on, of = self.times
        if on < of and self._clock % of >= on:
            return sound
        if self.suppress_db:
            sound = self._suppressed(sound, opposite)
        if self.gate_dbm0 is not None:
            sound = self._gated(sound, self.gate_dbm0)
        if self.slips:
            sound = self.slips.mix(sound)
        if self.clip_dbm0 is not None:
            sound = sound.translate(clipping_table(self.clip_dbm0))
        sound = self.worn.mix(sound)
        if self.drop and self._clock % self.drop[1] < self.drop[0]:
            sound = silence_of(len(sound))
        return self._hummed(sound) if self.humming else sound

    def _hummed(self, sound: bytes) -> bytes:
        assert self.humming is not None
        pcm = g711.ulaw_to_linear(sound)
        return g711.linear_to_ulaw(audioop.add(pcm, self.humming.take(len(pcm)), 2))

    def _suppressed(self, sound: bytes, opposite: bytes) -> bytes:
        self._spoke = HANG if loudness(opposite) > rms_of(SPEAKS_DBM0) else self._spoke - len(sound)
        return amplified(sound, -self.suppress_db) if self._spoke > 0 else sound

    def _gated(self, sound: bytes, dbm0: float) -> bytes:
        self._heard = HANG if loudness(sound) > rms_of(dbm0) else self._heard - len(sound)
        return sound if self._heard > 0 else silence_of(len(sound))


# ---- knobs -------------------------------------------------------------------------------------
# `{"loss": 6, "slip": [10, 4], "times": [2, 10]}`: what one direction is to be from now on.


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{name} is {value!r}: give {low:g} to {high:g}")
    return float(value)


def _two(name: str, value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConfigurationError(f"{name} is {value!r}: give two numbers")
    return _number(name, value[0], 0.001, 10_000), _number(name, value[1], 0.001, 10_000)


def _slip(way: OneWay, value: object) -> None:
    ms, seconds = _two("slip", value)
    way.slips = Slips(samples_of(ms), samples_of(seconds * 1000))


def _drop(way: OneWay, value: object) -> None:
    ms, seconds = _two("drop", value)
    way.drop = samples_of(ms), samples_of(seconds * 1000)


def _times(way: OneWay, value: object) -> None:
    on, of = _two("times", value)
    way.times = samples_of(on * 1000), samples_of(of * 1000)


def _clip(way: OneWay, value: object) -> None:
    way.clip_dbm0 = _number("clip", value, -60, 3)


def _gate(way: OneWay, value: object) -> None:
    way.gate_dbm0 = _number("gate", value, -80, 0)


def _suppress(way: OneWay, value: object) -> None:
    way.suppress_db = _number("suppress", value, 0, 60)


def _hum(way: OneWay, value: object) -> None:
    way.humming = RepeatedSound(hum(_number("hum", value, -80, 0)))


def _loss(way: OneWay, value: object) -> None:
    way.worn.loss_db = _number("loss", value, -20, 100)


def _noise(way: OneWay, value: object) -> None:
    way.worn.hiss(_number("noise", value, -90, 0))


def _crackle(way: OneWay, value: object) -> None:
    way.worn.hiss(_number("crackle", value, -90, 0), crackles=True)


def _dull(way: OneWay, value: object) -> None:
    way.worn.dull = round(_number("dull", value, 0, 8))


def _bent(way: OneWay, value: object) -> None:
    way.worn.bent = _number("bent", value, 0, 1)


KNOBS: dict[str, Callable[[OneWay, object], None]] = {
    "loss": _loss,
    "noise": _noise,
    "crackle": _crackle,
    "dull": _dull,
    "bent": _bent,
    "hum": _hum,
    "clip": _clip,
    "gate": _gate,
    "suppress": _suppress,
    "slip": _slip,
    "drop": _drop,
    "times": _times,
}


def one_way(name: str, value: object) -> OneWay:
    """Make a direction of a line by its knobs; raises ConfigurationError."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{name} is {value!r}: give an object of {', '.join(KNOBS)}")
    way = OneWay()
    for knob, of in value.items():
        if knob not in KNOBS:
            raise ConfigurationError(f"{name}: {knob!r} is not known: use {', '.join(KNOBS)}")
        KNOBS[knob](way, of)
    return way
