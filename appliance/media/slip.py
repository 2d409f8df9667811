"""Slip buffer: a stream of 8-bit sound between two clocks that are nearly, never quite, the same.

Two crystals 200 ppm apart drift by 1.6 samples a second. The mean level after each read is
watched over seconds, so that single late writes do not count as drift. Out of bounds it is
brought back by a few samples a frame, in quiet frames only, where the wave is flattest. Sound that
does not pause for long (music on hold) is spliced instead, cross-faded where it best resembles
itself. Within the bounds the bytes out are the bytes in.
"""

from __future__ import annotations

import array
import audioop
from dataclasses import dataclass
from itertools import pairwise

from appliance.media import g711
from appliance.media.background import Floor
from appliance.media.frames import Law, silence
from appliance.media.splice import best_fit, crossed, ramped

START = 240
"""Samples left after the first read: a frame may be late, and half a frame to spare."""
LOW = 170
HIGH = 340
"""Bounds of the mean level. Sound comes in lumps of a frame: when the clocks' phases pass each
other the level jumps by 160, so no more than that left is too little for the next time."""
LIMIT = 800
"""Beyond this (100 ms) nobody waits for a quiet frame."""
STEP = 4
"""Samples by which one quiet frame is stretched or shortened."""
PATIENCE = 1000
"""Reads out of bounds, 20 s, after which a splice is the lesser evil."""
MOST = 4000
"""Half a second: a reader that stopped must not fill the memory."""
WEIGHT = 0.01
"""Of one level in the mean: 2 s to follow, 0.4 s while the level is being corrected."""
WEIGHT_CORRECTING = 0.05
FADE = 80
SEARCH = 40
"""Samples to either side in which a splice looks for the best fit: a period of 100 Hz in all."""
_PAST = START + SEARCH + FADE
"""Samples kept for a splice backwards."""


@dataclass(slots=True)
class Counters:
    """What has been done: samples inserted and dropped, splices among them, and dry reads."""

    inserted: int = 0
    dropped: int = 0
    splices: int = 0
    underruns: int = 0


class SlipBuffer:
    """Carries bytes of an 8-bit `law` from a writer's clock to a reader's."""

    def __init__(self, law: Law) -> None:
        if law is Law.LINEAR16:
            raise ValueError("a slip buffer carries 8-bit sound: encode it first")
        self.counters = Counters()
        self._law = law
        self._held = bytearray()
        self._past = silence(law, _PAST)  # what was read last
        self._is_filling = True
        self._mean = float(START)
        self._waited = 0
        self._noise = Floor()

    @property
    def fill(self) -> int:
        """Samples held."""
        return len(self._held)

    def write(self, data: bytes) -> None:
        """Take sound from the writer's clock."""
        self._held += data
        excess = len(self._held) - MOST
        if excess > 0:
            del self._held[:excess]
            self.counters.dropped += excess

    def read(self, n: int) -> bytes:
        """Return exactly `n` samples for the reader's clock; silence until there is a store.

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
        """The first frame of a store: faded in where it follows a hole, exact at the start."""
        self._is_filling = False
        self._mean = float(START)
        frame = self._take(n)
        return _fade(frame, self._law, 0.0, 1.0) if self.counters.underruns else frame

    def _run_dry(self, n: int) -> bytes:
        """What is left, its own mirror image fading, then silence until there is a store again."""
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
        if self._waited > PATIENCE or min(level, self._mean) > LIMIT:
            return self._splice(n)
        if is_quiet and self._mean < START:
            return self._stretched(n)
        return self._shortened(n) if is_quiet and level >= STEP else self._take(n)

    def _is_out_of_bounds(self) -> bool:
        """Whether the level must change: from when it leaves its bounds to the middle again."""
        if self._waited:
            return abs(self._mean - START) > STEP
        return not LOW <= self._mean <= HIGH

    def _is_quiet(self, n: int) -> bool:
        rms = audioop.rms(g711.decode(bytes(self._held[:n]), self._law), 2)
        self._noise.add(rms)
        return self._noise.is_quiet(rms)

    def _stretched(self, n: int) -> bytes:
        """`n` samples out of a few less: in each part the one before the least step twice."""
        self._corrected(STEP)
        return b"".join(map(self._one_more, _parts(self._take(n - STEP))))

    def _one_more(self, part: bytes) -> bytes:
        at = _flattest(g711.decode(part, self._law), 1)
        return part[: at + 1] + part[at:]

    def _shortened(self, n: int) -> bytes:
        """`n` samples out of a few more: in each part one with like neighbours is left out."""
        self._corrected(-STEP)
        return b"".join(map(self._one_less, _parts(self._take(n)))) + self._take(STEP)

    def _one_less(self, part: bytes) -> bytes:
        at = _flattest(g711.decode(part, self._law), 2) + 1
        return part[:at] + part[at + 1 :]

    def _splice(self, n: int) -> bytes:
        """`n` samples that go over to sound ahead of its turn, or back, to the middle level."""
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
        """Book samples inserted, or dropped when negative."""
        self._mean += samples
        self.counters.inserted += max(0, samples)
        self.counters.dropped += max(0, -samples)


def _parts(frame: bytes) -> list[bytes]:
    """A frame cut into `STEP` parts of nearly one length."""
    ends = [len(frame) * part // STEP for part in range(STEP + 1)]
    return [frame[start:end] for start, end in pairwise(ends)]


def _flattest(pcm: bytes, reach: int) -> int:
    """Where the wave changes least over `reach` samples."""
    wave = array.array("h", pcm)
    steps = [abs(b - a) for a, b in zip(wave, wave[reach:], strict=False)]
    return steps.index(min(steps))


def _fade(frame: bytes, law: Law, start: float, end: float) -> bytes:
    """The first `FADE` samples ramped from one gain to another, the rest as it is."""
    return g711.encode(ramped(g711.decode(frame[:FADE], law), start, end), law) + frame[FADE:]
