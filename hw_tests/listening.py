"""Waits for what the product's own detectors, or a modem's chip, make of a line's sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from appliance.dsp.dtmf import PLANS
from appliance.dsp.progress import ProgressHeard
from appliance.dsp.wav import FRAME_SAMPLES
from appliance.media.detectors import Detectors
from appliance.text import Words, _, in_context, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from hw_tests.bench import Bench
    from hw_tests.side import Side

BREAK = in_context("heard", "break of the loop")
POLL_S = 0.1
TONES: Mapping[str, Words] = {
    "dial": in_context("heard", "dial tone"),
    "steady": in_context("heard", "steady tone"),
    "busy": in_context("heard", "busy tone"),
    "congestion": in_context("heard", "congestion tone"),
    "ringback": in_context("heard", "ringing tone"),
}
"""What a tone is called, by its kind; others are called by their kind."""
T = TypeVar("T")


def tone_words(tone: ProgressHeard) -> Words:
    """Name a tone that was heard, and its cadence."""
    kind = TONES.get(tone.kind.value, unchanged(tone.kind.value))
    cadence = "/".join(map(str, tone.cadence_ms))
    return _("{tone}, {cadence} ms", tone=kind, cadence=cadence) if cadence else kind


class Listener:
    """Follows the sound of one side from now on, or from a sample on."""

    def __init__(self, side: Side, country: str, begin: int | None = None) -> None:
        self._side = side
        self._at = len(side.heard) if begin is None else begin
        self._ears = Detectors(country, side.law)
        self.digits = ""
        self.silent_s = 0.0
        self.fax_s: float | None = None
        self.tones: list[tuple[float, ProgressHeard]] = []

    def poll(self) -> None:
        """Hear the whole frames that have come since."""
        heard = self._side.heard
        while self._at + FRAME_SAMPLES <= len(heard):
            ear = self._ears.hear(bytes(heard[self._at : self._at + FRAME_SAMPLES]))
            self._at += FRAME_SAMPLES
            self.silent_s = ear.silent_ms / 1000
            self.digits += "".join(ear.digits)
            self.fax_s = self.fax_s or (ear.fax_ms / 1000 if ear.fax_ms else None)
            at = self._side.arrived_at(self._at - 1)
            self.tones += [(at, tone) for tone in ear.tones]

    def first(self, kinds: Collection[str]) -> tuple[float, ProgressHeard] | None:
        """Give the first tone of some kinds, and when it was recognised."""
        self.poll()
        return next(((at, tone) for at, tone in self.tones if tone.kind in kinds), None)


def wait_for(bench: Bench, test: Callable[[], T | None], limit: float) -> T | None:
    """Work until a test gives something, or None after the limit."""
    end = bench.now + limit
    while not (found := test()) and bench.now < end:
        bench.run(POLL_S)
    return found


def digits_in(side: Side, country: str, begin: int, end: int) -> str:
    """Give the keys that the product's own detectors find in a stretch of what a side heard."""
    ears = Detectors(country, side.law)
    return "".join(ears.hear(bytes(side.heard[begin:end])).digits)


def nearest(country: str, kind: str, hz: float) -> float:
    """Give the frequency (Hz) of the country's tone that is nearest to a measured one."""
    forms = getattr(PLANS[country], kind)
    freqs = {freq for form in forms for burst in form.bursts for freq in burst.freqs}
    return float(min(freqs, key=lambda freq: abs(freq - hz)))
