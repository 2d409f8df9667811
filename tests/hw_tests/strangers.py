"""Modems and lines with one fault that no knob of the software exchange plants, for tests."""

from __future__ import annotations

import audioop
import random
from collections.abc import Callable
from dataclasses import replace

from appliance.dsp import g711
from appliance.simulator.exchange.audio import samples_of
from appliance.simulator.exchange.call import ExchangeCall
from appliance.simulator.exchange.modem import VoiceModem
from appliance.simulator.exchange.signals import (
    KeyBegan,
    KeyEnded,
    RingRecognised,
    Signal,
    Tone,
    prepare,
)
from tests.hw_tests.virtual import Virtual

Made = Callable[[Virtual], None]


def modem(name: str, kind: type[VoiceModem]) -> Made:
    """Put another kind of modem at a line, also behind every loss of its power."""

    def made(world: Virtual) -> None:
        station = world.outlets[name].station
        power_cycle = station.power_cycle

        def again() -> None:
            power_cycle()
            station.modem.__class__ = kind

        station.modem.__class__ = kind
        station.power_cycle = again  # type: ignore[method-assign]

    return made


def held(name: str, seconds: float) -> Made:
    """Have a line's hook open so much later than its modem says (OK to ATH)."""

    def made(world: Virtual) -> None:
        station = world.outlets[name].station
        take, until = station.line.from_modem, [0.0]

        def from_modem(sound: bytes, acts: list[object], *, off_hook: bool) -> None:
            if off_hook:
                until[0] = world.now() + seconds
            take(sound, acts, off_hook=world.now() < until[0])  # type: ignore[arg-type]

        station.line.from_modem = from_modem  # type: ignore[method-assign, assignment]

    return made


def lossy(name: str, one_in: int) -> Made:
    """Lose one byte in so many of the sound on its way from a modem to the box."""

    def made(world: Virtual) -> None:
        chance, cable = random.Random(3), world._cables[name]

        def write(data: bytes) -> None:
            kept = bytes(each for each in data if chance.random() >= 1 / one_in)
            is_sound = world.outlets[name].station.modem.streaming
            cable.to_host.extend(kept if is_sound else data)

        cable.write = write  # type: ignore[method-assign]

    return made


def late_number(name: str, rings: int = 1) -> Made:
    """Have who calls a line told so many rings later: between the second and the third, by 1."""

    def made(world: Virtual) -> None:
        line = world.outlets[name].station.line
        place = line.place

        def placed(call: ExchangeCall) -> None:
            place(call)
            if line._ringing is not None:
                line._ringing._clip_at += rings * samples_of(sum(line.country.ring))

        line.place = placed  # type: ignore[method-assign]

    return made


def resets(name: str, at_s: float) -> Made:
    """Have a modem start anew by itself, in its socket of USB, at a time."""

    def made(world: Virtual) -> None:
        serve, due = world._serve, [world.now() + at_s]

        def served() -> None:
            serve()
            if world.now() >= due[0]:
                due[0] = 1e9
                world.outlets[name].station.power_cycle()

        world._serve = served  # type: ignore[method-assign]

    return made


def dial_tone(*cadence: int) -> Made:
    """Give the exchange's dial tone another cadence."""

    def made(world: Virtual) -> None:
        for outlet in world.outlets.values():
            line = outlet.station.line
            tone: Tone = replace(line.country.dial, cadence=cadence)
            line.country = replace(line.country, dial=tone)
            prepare(line.country)

    return made


class Deaf(VoiceModem):
    """Hears nothing of its line."""

    def _send_sound(self, rx: bytes) -> None:
        super()._send_sound(b"\xff" * len(rx))


class Talkative(VoiceModem):
    """Takes what it hears for a key, every six seconds."""

    _until = 48_000

    def _send_sound(self, rx: bytes) -> None:
        super()._send_sound(rx)
        self._until -= len(rx)
        if self._until <= 0:
            self._until = 48_000
            self.hear(KeyBegan("5"))
            self.hear(KeyEnded())


class Twice(VoiceModem):
    """Tells each ring twice."""

    def hear(self, signal: Signal) -> None:
        """Take what happened on the line."""
        super().hear(signal)
        if isinstance(signal, RingRecognised):
            super().hear(signal)


class Once(VoiceModem):
    """Tells the first ring of a call only."""

    _told = -1e9

    def hear(self, signal: Signal) -> None:
        """Take what happened on the line."""
        if isinstance(signal, RingRecognised):
            told, self._told = self._told, self.now
            if self.now - told < 12.0:
                return
        super().hear(signal)


class Offset(VoiceModem):
    """Adds a constant to all that it hears, as a codec may."""

    def _send_sound(self, rx: bytes) -> None:
        pcm = audioop.bias(g711.ulaw_to_linear(rx), 2, 200)
        super()._send_sound(g711.linear_to_ulaw(pcm))
