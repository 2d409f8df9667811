"""Sound for gaps: the last pitch periods go on, fade into the noise of the room, and join again.

In the spirit of ITU-T G.711 appendix I: the wave goes on as it was for 10 ms, is faded out by
60 ms, and is cross-faded with the sound that comes after. Without the 3.75 ms of delay that the
appendix takes for the first joint: its step is let die away instead.
"""

from __future__ import annotations

import array
import itertools

from appliance.media import g711
from appliance.media.background import Background
from appliance.media.frames import Law, silence
from appliance.media.splice import best_fit, crossed
from appliance.media.tones import pcm16

LAGS = range(40, 161)
"""Periods that are looked for: 50 to 200 Hz; a higher voice fits with two or three of its own."""
WINDOW = 80
"""Samples, the last 10 ms, that must fit."""
KEPT = 2 * LAGS[-1] + WINDOW
HELD = 80
GONE = 480
"""Samples of a gap: up to the first the wave goes on, at the second only noise is left."""
DECAY = 24
"""Samples, 3 ms, in which the step at a joint dies away."""
JOINT = 80
"""Samples, 10 ms, of a cross-fade into sound again, after a long gap."""
LEAST_JOINT = 32


class Concealer:
    """Follows one stream of an 8-bit `law`, as it is played, and fills what is missing in it."""

    def __init__(self, law: Law) -> None:
        self.background = Background(law)
        self._law = law
        self.forget()

    def forget(self) -> None:
        """What was played last has nothing to do with what comes: no joint with it.

        The noise of the room stays known.
        """
        self.past = silence(self._law, KEPT)
        self.is_whole = True
        """False in a gap and its joint; sound that comes first has neither."""
        self._is_fresh = True
        self._gap = 0  # samples filled since the sound ended
        self._joint = self._joined = 0  # samples of the cross-fade now going on
        self._period: array.array[int] = array.array("h")
        self._step = 0

    def played(self, sound: bytes) -> bytes:
        """Take sound that came as it was meant to; returns what to play instead.

        That is `sound` itself, except after a gap: there it is faded in over `JOINT` at most.
        """
        if not self.is_whole:
            sound = self._join(sound)
        else:
            self.background.add(sound)
        self._is_fresh = False
        self._keep(sound)
        return sound

    def fill(self, samples: int) -> bytes:
        """Return the next samples of a gap of unknown length."""
        if self._is_fresh:
            return g711.encode(self.background.make(samples), self._law)
        if self._joint:  # the sound had only just come back
            self._gap = self._joint = 0
        self.is_whole = False
        out = g711.encode(self._go_on(samples), self._law)
        self._keep(out)
        return out

    def part(self) -> None:
        """What is played next does not follow what was played last, though it comes at once."""
        self.is_whole = self._is_fresh

    def bridge(self, samples: int, after: bytes) -> bytes:
        """Return the rest of a gap behind which the sound `after` is already here.

        Its end leads over to that sound, which may then be `played` unchanged.
        """
        pcm = self._go_on(samples)
        lag = len(self._period)
        size = min(samples, JOINT, lag, len(after) - lag)
        if size > 0:
            lead = _lead_in(g711.decode(after[: lag + 1], self._law), lag, size)
            pcm = pcm[: -2 * size] + crossed(pcm[-2 * size :], lead)
        out = g711.encode(pcm, self._law)
        self._keep(out)
        self._gap = self._joint = 0
        self.is_whole = True
        return out

    def _keep(self, sound: bytes) -> None:
        self.past = (self.past + sound)[-KEPT:]

    def _join(self, sound: bytes) -> bytes:
        if not self._joint:
            self._joint = min(JOINT, LEAST_JOINT + self._gap // 4)
            self._joined = 0
        size = min(len(sound), self._joint - self._joined)
        old = array.array("h", self._go_on(size))
        new = array.array("h", g711.decode(sound[:size], self._law))
        at = self._joined
        both = enumerate(zip(old, new, strict=True), at)
        pcm = pcm16(a + (b - a) * n / self._joint for n, (a, b) in both)
        self._joined += size
        if self._joined >= self._joint:
            self._gap = self._joint = 0
            self.is_whole = True
        return g711.encode(pcm, self._law) + sound[size:]

    def _go_on(self, samples: int) -> bytes:
        """The wave going on, fading into noise, as 16-bit sound."""
        if not self._gap:
            self._begin()
        at, self._gap = self._gap, self._gap + samples
        noise = self.background.make(samples)
        if at >= GONE:
            return noise
        wave = itertools.islice(itertools.cycle(self._period), at % len(self._period), None)
        parts = enumerate(zip(wave, array.array("h", noise), strict=False), at)
        return pcm16(self._mixed(n, voice, hiss) for n, (voice, hiss) in parts)

    def _mixed(self, n: int, voice: int, hiss: int) -> float:
        gain = min(1.0, max(0.0, (GONE - n) / (GONE - HELD)))
        step = self._step * max(0.0, 1 - n / DECAY)
        return gain * (voice + step) + (1 - gain) * hiss

    def _begin(self) -> None:
        """Find the period of what was played last, and the step from it to its repetition."""
        line = g711.decode(self.past, self._law)
        end = len(self.past) - WINDOW
        place, _ = best_fit(line, end, [end - lag for lag in LAGS], WINDOW)
        lag = end - place
        wave = array.array("h", line)
        self._period = array.array("h", _closed(line, lag))
        self._step = wave[-1] - wave[-1 - lag]


def _closed(line: bytes, lag: int) -> bytes:
    """The last `lag` samples, their end led over to the sound before them: a loop without a step.

    The overlap is a quarter of the period.
    """
    over = lag // 4
    end = crossed(line[-2 * over :], line[-2 * (lag + over) : -2 * lag])
    return line[-2 * lag : -2 * over] + end


def _lead_in(after: bytes, lag: int, size: int) -> bytes:
    """`size` samples that lead up to `after`: its own first period, before its time."""
    wave = array.array("h", after)
    step = wave[0] - wave[lag]
    return pcm16(wave[lag - n] + step * max(0.0, 1 - n / DECAY) for n in range(size, 0, -1))
