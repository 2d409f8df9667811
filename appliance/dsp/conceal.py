"""Concealment and clock slip: filling lost frames, joining two clocks, mixing.

Rules and measurements: docs/design/sound.md. `rms` is in 16-bit steps.
"""

from __future__ import annotations

import array
import audioop
import itertools
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import FRAME_SAMPLES, Law, rms_at, silence

if TYPE_CHECKING:
    from collections.abc import Sequence


# ---- Background noise of a stream: how loud it is, and more of it for gaps
# A gap of digital silence in a noisy room is heard as a dead line. So quiet frames are kept and
# played on in random pieces, overlapped: level and colour are those of the room.

# Frames, 2 s, over which the noise is the least level.
PERIOD = 100
QUIET_DBM0 = -50.0
# A line's noise may count as quiet up to here.
NOISE_DBM0 = -35.0
NOISE_FACTOR = 1.5
# Samples of quiet sound that are kept: 80 ms, so that their repetition has no pitch.
BACKGROUND_KEPT = 4 * FRAME_SAMPLES
HOP = FRAME_SAMPLES // 2
# Below this, one step of either law, there is no noise: A-law's own silence is 8.
LEAST_RMS = 10
_FULL_SCALE = 32768
_QUIET_RMS = rms_at(QUIET_DBM0)
_NOISE_RMS = rms_at(NOISE_DBM0)
# Half a sine: overlapped by half, pieces that know nothing of each other keep their power.
_WINDOW = [math.sin(math.pi * (n + 0.5) / FRAME_SAMPLES) for n in range(FRAME_SAMPLES)]


class NoiseFloor:
    """Least rms of the last whole period; 0 until there was one."""

    def __init__(self) -> None:
        self.rms = 0
        self._least = _FULL_SCALE
        self._left = PERIOD

    def add(self, rms: int) -> None:
        """Take the rms of one frame."""
        self._least = min(self._least, rms)
        self._left -= 1
        if self._left == 0:
            self.rms, self._least, self._left = self._least, _FULL_SCALE, PERIOD

    def is_quiet(self, rms: float) -> bool:
        """Return whether sound of this rms is a pause: little, or hardly more than the noise."""
        return rms <= max(_QUIET_RMS, min(NOISE_FACTOR * self.rms, _NOISE_RMS))


class Background:
    """Measures the noise of a stream of an 8-bit `law`, and generates more of it."""

    def __init__(self, law: Law) -> None:
        self.floor = NoiseFloor()
        self._law = law
        self._part = b""
        self._quiet = b""
        self._ready = b""
        self._tail = array.array("h", silence(Law.LINEAR16, HOP))
        self._dice = 1

    def add(self, sound: bytes) -> None:
        """Take the sound that was played, in pieces of any length."""
        self._part += sound
        while len(self._part) >= FRAME_SAMPLES:
            self._frame(self._part[:FRAME_SAMPLES])
            self._part = self._part[FRAME_SAMPLES:]

    def make(self, samples: int) -> bytes:
        """Return the next 16-bit samples of noise; silence when there is none."""
        material = g711.decode(self._quiet, self._law)
        if len(self._quiet) < FRAME_SAMPLES or audioop.rms(material, 2) < LEAST_RMS:
            return silence(Law.LINEAR16, samples)
        while len(self._ready) < 2 * samples:
            self._ready += self._piece(array.array("h", material))
        out, self._ready = self._ready[: 2 * samples], self._ready[2 * samples :]
        return out

    def _frame(self, frame: bytes) -> None:
        rms = audioop.rms(g711.decode(frame, self._law), 2)
        self.floor.add(rms)
        if self.floor.is_quiet(rms):
            self._quiet = (self._quiet + frame)[-BACKGROUND_KEPT:]

    def _piece(self, material: array.array[int]) -> bytes:
        at = self._random(len(material) - FRAME_SAMPLES + 1)
        piece = [w * a for w, a in zip(_WINDOW, material[at : at + FRAME_SAMPLES], strict=True)]
        out = pcm16(a + b for a, b in zip(self._tail, piece[:HOP], strict=True))
        self._ready = b""
        self._tail = array.array("h", pcm16(piece[HOP:]))
        return out

    def _random(self, below: int) -> int:
        """Return a pseudo-random number below `below`."""
        # Numerical Recipes' generator: `random` would have libcrypto's 7 MB locked in memory.
        self._dice = (1664525 * self._dice + 1013904223) % (1 << 32)
        return (self._dice >> 8) % below


def mixed(first: bytes, second: bytes) -> bytes:
    """Return the sum of two pieces of 16-bit sound of one length, saturating at full scale.

    Raises ValueError for pieces of different lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"pieces of {len(first)} and {len(second)} bytes cannot be mixed")
    # Nothing is turned down for the sum: a person is as loud as before, and two who shout at once
    # are clipped, as on any analog bridge.
    return audioop.add(first, second, 2)


# ---- Joints between two stretches of 16-bit sound: ramps, cross-fades, and where both fit best


def ramped(pcm: bytes, start: float, end: float) -> bytes:
    """Return sound whose gain changes linearly from `start` to `end`."""
    wave = array.array("h", pcm)
    step = (end - start) / max(1, len(wave))
    return pcm16(sample * (start + step * n) for n, sample in enumerate(wave))


def crossed(old: bytes, new: bytes) -> bytes:
    """Return one stretch of sound fading out while another of its length fades in."""
    return audioop.add(ramped(old, 1.0, 0.0), ramped(new, 0.0, 1.0), 2)


def likeness(one: bytes, other: bytes) -> float:
    """Return how alike two windows of one length are: 1 the same shape, 0 unrelated.

    The correlation coefficient without its means; silence is like nothing.
    """
    loud = audioop.rms(other, 2)
    if not loud:
        return 0.0
    return audioop.findfactor(one, other) * loud / (audioop.rms(one, 2) + 1)


def best_fit(line: bytes, here: int, places: Sequence[int], size: int) -> tuple[int, float]:
    """Return the place where `line` is most like the `size` samples at `here`, and how alike.

    Places are samples; every second one is tried first, then the neighbours of the best of them.
    """
    wanted = line[2 * here : 2 * (here + size)]

    def fit(place: int) -> float:
        return likeness(line[2 * place : 2 * (place + size)], wanted)

    coarse = max(places[::2], key=fit)
    near = [place for place in (coarse - 1, coarse, coarse + 1) if place in places]
    best = max(near, key=fit)
    return best, fit(best)


# ---- Sound for gaps: the last pitch periods go on, fade into the room's noise, and join again
# In the spirit of ITU-T G.711 appendix I: the wave goes on as it was for 10 ms, is faded out by 60
# ms, and is cross-faded with the sound that comes after. Without the 3.75 ms of delay that the
# appendix takes for the first joint: its step is faded out instead.

# Periods that are looked for, in samples: 50 to 200 Hz; a higher voice fits with two or three of
# its own.
PERIODS = range(40, 161)
# Samples, the last 10 ms, that must fit.
WINDOW = 80
HISTORY = 2 * PERIODS[-1] + WINDOW
# Samples of a gap: up to HELD the wave goes on, from GONE only noise is left.
HELD = 80
GONE = 480
# Samples, 3 ms, in which the step at a joint is faded out.
DECAY = 24
# Samples, 10 ms, of a cross-fade into sound again, after a long gap.
JOINT = 80
LEAST_JOINT = 32


class Concealer:
    """Follows one stream of an 8-bit `law`, as it is played, and fills its gaps."""

    def __init__(self, law: Law) -> None:
        self.background = Background(law)
        self._law = law
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was played last is not joined with what comes; the noise stays known."""
        self.past = silence(self._law, HISTORY)
        self.is_whole = True
        """False in a gap and its joint; sound that comes first has neither."""
        self._is_fresh = True
        self._gap = 0  # samples filled since the sound ended
        self._joint = self._joined = 0  # samples of the cross-fade now going on
        self._period: array.array[int] = array.array("h")
        self._step = 0

    def played(self, sound: bytes) -> bytes:
        """Take sound that came in time; return what to play instead.

        That is `sound` itself, except after a gap: there it is faded in over `JOINT` samples at
        most.
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
        # The sound had only just come back: the gap begins anew.
        if self._joint:
            self._gap = self._joint = 0
        self.is_whole = False
        out = g711.encode(self._go_on(samples), self._law)
        self._keep(out)
        return out

    def part(self) -> None:
        """Mark a break: what is played next does not continue what was played last."""
        self.is_whole = self._is_fresh

    def bridge(self, samples: int, after: bytes) -> bytes:
        """Return the rest of a gap before the sound `after`, which is in store already.

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
        self.past = (self.past + sound)[-HISTORY:]

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
        """Return the wave going on, fading into noise, as 16-bit sound."""
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
        place, _ = best_fit(line, end, [end - lag for lag in PERIODS], WINDOW)
        lag = end - place
        wave = array.array("h", line)
        self._period = array.array("h", _closed(line, lag))
        self._step = wave[-1] - wave[-1 - lag]


def _closed(line: bytes, lag: int) -> bytes:
    """Return the last `lag` samples as a loop without a step.

    Their end is cross-faded over a quarter of the period to the sound before them.
    """
    over = lag // 4
    end = crossed(line[-2 * over :], line[-2 * (lag + over) : -2 * lag])
    return line[-2 * lag : -2 * over] + end


def _lead_in(after: bytes, lag: int, size: int) -> bytes:
    """Return `size` samples that lead up to `after`: its own first period, before its time."""
    wave = array.array("h", after)
    step = wave[0] - wave[lag]
    return pcm16(wave[lag - n] + step * max(0.0, 1 - n / DECAY) for n in range(size, 0, -1))


# ---- Slip buffer: 8-bit sound between two clocks that are nearly, never quite, the same
# Two crystals 200 ppm apart drift by 1.6 samples a second. The mean level after each read is
# watched over seconds, so that single late writes do not count as drift. Out of bounds it is
# brought back by a few samples a frame, in quiet frames only, where the wave is flattest. Sound
# that does not pause for long (music on hold) is spliced instead, cross-faded where it best
# resembles itself. Within the bounds the bytes out are the bytes in.

# Samples left after the first read: a frame may be late, and half a frame to spare.
START = 240
# Bounds of the mean level, LOW and HIGH. Sound comes in lumps of a frame: when the clocks' phases
# pass each other the level jumps by 160, so no more than that left is too little for the next time.
LOW = 170
HIGH = 340
# Beyond this (100 ms) no quiet frame is waited for.
LIMIT = 800
# Samples by which one quiet frame is stretched or shortened.
STEP = 4
# Reads out of bounds, 20 s, after which a splice is the lesser evil.
SLIP_PATIENCE = 1000
# Half a second: a reader that stopped must not fill the memory.
MOST = 4000
# Weight of one level in the mean: 2 s to follow, 0.4 s while the level is being corrected.
WEIGHT = 0.01
WEIGHT_CORRECTING = 0.05
FADE = 80
# Samples to either side in which a splice looks for the best fit: a period of 100 Hz in all.
SEARCH = 40
# Samples kept for a splice backwards.
_PAST = START + SEARCH + FADE


@dataclass(slots=True)
class SlipCounters:
    """Counters: samples inserted and dropped, splices among them, and dry reads."""

    inserted: int = 0
    dropped: int = 0
    splices: int = 0
    underruns: int = 0


class SlipBuffer:
    """Carries bytes of an 8-bit `law` from a writer's clock to a reader's.

    Raises ValueError for LINEAR16.
    """

    def __init__(self, law: Law) -> None:
        if law is Law.LINEAR16:
            raise ValueError("a slip buffer carries 8-bit sound: encode it first")
        self.counters = SlipCounters()
        self._law = law
        self._held = bytearray()
        self._past = silence(law, _PAST)  # what was read last
        self._is_filling = True
        self._mean = float(START)
        self._waited = 0
        self._noise = NoiseFloor()

    @property
    def fill(self) -> int:
        """Samples in store."""
        return len(self._held)

    def write(self, data: bytes) -> None:
        """Append sound at the writer's clock; what exceeds MOST is dropped, oldest first."""
        self._held += data
        excess = len(self._held) - MOST
        if excess > 0:
            del self._held[:excess]
            self.counters.dropped += excess

    def read(self, n: int) -> bytes:
        """Return exactly `n` samples at the reader's clock; silence until the store is filled.

        Reads of less than 10 ms (80 samples) are never corrected: read whole frames.
        """
        if self._is_filling and len(self._held) < START + n:
            return silence(self._law, n)
        if len(self._held) < n:
            out = self._run_dry(n)
        else:
            out = self._rising(n) if self._is_filling else self._next(n)
        self._past = (self._past + out)[-_PAST:]
        return out

    def _take(self, n: int) -> bytes:
        taken = bytes(self._held[:n])
        del self._held[:n]
        return taken

    def _rising(self, n: int) -> bytes:
        """Return the first frame of a store."""
        self._is_filling = False
        self._mean = float(START)
        frame = self._take(n)
        # Faded in where it follows a hole, exact at the start.
        return _fade(frame, self._law, 0.0, 1.0) if self.counters.underruns else frame

    def _run_dry(self, n: int) -> bytes:
        """Return what is left, its mirror image fading out, then silence."""
        self._is_filling = True
        self.counters.underruns += 1
        rest = self._take(n)
        mirror = (self._past + rest)[::-1][: min(FADE, n - len(rest))]
        out = rest + _fade(mirror, self._law, 1.0, 0.0)
        return out + silence(self._law, n - len(out))

    def _next(self, n: int) -> bytes:
        level = len(self._held) - n
        weight = WEIGHT_CORRECTING if self._waited else WEIGHT
        self._mean += weight * (level - self._mean)
        is_quiet = self._is_quiet(n)
        if not self._is_out_of_bounds() or n < FADE:
            self._waited = 0
            return self._take(n)
        self._waited += 1
        if self._waited > SLIP_PATIENCE or min(level, self._mean) > LIMIT:
            return self._splice(n)
        if is_quiet and self._mean < START:
            return self._stretched(n)
        return self._shortened(n) if is_quiet and level >= STEP else self._take(n)

    def _is_out_of_bounds(self) -> bool:
        """Return whether to correct the level."""
        # A correction that has begun goes on to the middle, not only back within the bounds.
        if self._waited:
            return abs(self._mean - START) > STEP
        return not LOW <= self._mean <= HIGH

    def _is_quiet(self, n: int) -> bool:
        rms = audioop.rms(g711.decode(bytes(self._held[:n]), self._law), 2)
        self._noise.add(rms)
        return self._noise.is_quiet(rms)

    def _stretched(self, n: int) -> bytes:
        """Return `n` samples out of STEP less: in each part one sample is played twice."""
        self._corrected(STEP)
        return b"".join(map(self._one_more, _parts(self._take(n - STEP))))

    def _one_more(self, part: bytes) -> bytes:
        # The sample before the least step: its repetition changes the wave least.
        at = _flattest(g711.decode(part, self._law), 1)
        return part[: at + 1] + part[at:]

    def _shortened(self, n: int) -> bytes:
        """Return `n` samples out of STEP more: in each part one is left out."""
        self._corrected(-STEP)
        return b"".join(map(self._one_less, _parts(self._take(n)))) + self._take(STEP)

    def _one_less(self, part: bytes) -> bytes:
        # The one whose neighbours are most alike.
        at = _flattest(g711.decode(part, self._law), 2) + 1
        return part[:at] + part[at + 1 :]

    def _splice(self, n: int) -> bytes:
        """Return `n` samples that cross over to later sound, or back, to the middle level."""
        line = self._past + bytes(self._held)
        here = len(self._past)
        last = len(line) - n - SEARCH
        near = max(SEARCH, min(here + round(self._mean) - START, last))
        pcm = g711.decode(line, self._law)
        there, _ = best_fit(pcm, here, range(near - SEARCH, near + SEARCH + 1), FADE)
        old, new = (pcm[2 * at : 2 * (at + FADE)] for at in (here, there))
        self._held = bytearray(line[there + n :])
        self._waited = 0
        self.counters.splices += 1
        self._corrected(here - there)
        return g711.encode(crossed(old, new), self._law) + line[there + FADE : there + n]

    def _corrected(self, samples: int) -> None:
        """Count samples inserted, or dropped when negative."""
        self._mean += samples
        self.counters.inserted += max(0, samples)
        self.counters.dropped += max(0, -samples)


def _parts(frame: bytes) -> list[bytes]:
    """Return a frame cut into `STEP` parts of nearly one length."""
    ends = [len(frame) * part // STEP for part in range(STEP + 1)]
    return [frame[start:end] for start, end in pairwise(ends)]


def _flattest(pcm: bytes, reach: int) -> int:
    """Return where the wave changes least over `reach` samples."""
    wave = array.array("h", pcm)
    steps = [abs(b - a) for a, b in zip(wave, wave[reach:], strict=False)]
    return steps.index(min(steps))


def _fade(frame: bytes, law: Law, start: float, end: float) -> bytes:
    """Return a frame with its first `FADE` samples ramped from one gain to another."""
    return g711.encode(ramped(g711.decode(frame[:FADE], law), start, end), law) + frame[FADE:]
