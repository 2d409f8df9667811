"""Keys and tones as a line brings them: off frequency, twisted, quiet, noisy, coded; seeded."""

from __future__ import annotations

import audioop
import random
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.dsp import dtmf
from appliance.dsp.wav import Law
from tests.helpers.sound import noise, through

ROW_KEYS = 20
MARGIN = bytes(1600)


@dataclass(frozen=True, slots=True)
class Dialling:
    """A condition under which keys are pressed, each value drawn from a pair of corners.

    `off` is the relative deviation of each tone, `twist_db` the high tone over the low one,
    `dbm0` the level of the louder tone, raised where the other one would lie below `least_dbm0`;
    `noise_db` is how far noise lies below the tones.
    """

    name: str
    on_ms: int = 50
    off_ms: int = 50
    off: tuple[float, ...] = (0.0,)
    twist_db: tuple[float, ...] = (0.0,)
    dbm0: tuple[float, ...] = (-10.0,)
    least_dbm0: float = -25.0
    noise_db: float | None = None


def rows(how: Dialling, keys: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield rows of random keys and their sound through A-law, `keys` keys in all."""
    rng = random.Random(f"{how.name} {seed}")
    for _ in range(keys // ROW_KEYS):
        row = "".join(rng.choice(dtmf.KEYPAD) for _ in range(ROW_KEYS))
        pcm = MARGIN + b"".join(_pressed(key, how, rng) for key in row) + MARGIN
        if how.noise_db is not None:
            hiss = noise(len(pcm) // 2, how.dbm0[0] - how.noise_db, rng.randrange(1 << 30))
            pcm = audioop.add(pcm, hiss, 2)
        yield row, through(pcm, Law.ALAW)


def _pressed(key: str, how: Dialling, rng: random.Random) -> bytes:
    """One key, at any place of our frames, and its pause."""
    low, high = _levels(how, rng)
    off = [1 + rng.choice(how.off) for _ in range(2)]
    pair = tuple(hz * by for hz, by in zip(dtmf.pair(key), off, strict=True))
    tone = dtmf.mix(tuple(zip(pair, (low, high), strict=True)), 8 * how.on_ms)
    return bytes(2 * rng.randrange(80)) + tone + bytes(16 * how.off_ms)


def _levels(how: Dialling, rng: random.Random) -> tuple[float, float]:
    """The levels of low and high tone: a corner of level, a corner of twist."""
    twist = rng.choice(how.twist_db)
    louder = max(rng.choice(how.dbm0), how.least_dbm0 + abs(twist))
    return (louder - twist, louder) if twist > 0 else (louder, louder + twist)


def errors(wanted: str, heard: str) -> int:
    """Count digits missed, added or changed: the edit distance of two rows."""
    before = list(range(len(heard) + 1))
    for i, want in enumerate(wanted, 1):
        now = [i]
        for j, got in enumerate(heard, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (want != got)))
        before = now
    return before[-1]


def tone_on_a_line(
    form: dtmf.Cadence, ms: int, *, seed: int, dbm0: float, noise_db: float | None, off: float
) -> bytes:
    """A call-progress tone after a pause of any length: level, noise and deviation as asked."""
    rng = random.Random(seed)
    bursts = tuple(
        dtmf.Burst(tuple(round(hz * (1 + off)) for hz in burst.freqs), burst.on_ms, burst.off_ms)
        for burst in form.bursts
    )
    pcm = dtmf.play(dtmf.Cadence(bursts, dbm0), ms)
    pcm = onset(rng) + pcm
    if noise_db is not None:
        hiss = noise(len(pcm) // 2, dbm0 - noise_db, seed)
        pcm = audioop.add(pcm, hiss, 2)
    return through(pcm, Law.ALAW)


def onset(rng: random.Random) -> bytes:
    """Silence of 0.5 to 1 s, to the sample: the tone begins anywhere in our frames."""
    return bytes(2 * rng.randrange(4000, 8000))
