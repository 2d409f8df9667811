"""What the sound's own rules give, on a virtual clock: delays of the jitter buffer, echo left."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path

from appliance.dsp import g711
from appliance.dsp.jitter import JitterBuffer
from appliance.dsp.wav import Law
from appliance.media.echo import EchoCanceller
from tests.bench.table import Row, row
from tests.dsp.stream import Delays, on_time, read_through
from tests.helpers import sound
from tests.helpers.hybrids import HYBRIDS, Hybrid
from tests.sound.test_echo import SECOND, cancelled, erle_db, line, through

STALL_AT = 500
STALL_SAMPLES = 1600
READ_MS = 10
SETTLED = 300
"""Reads, 3 s, after which a wait is looked at."""
TAIL = 80
RUNS = 5


def rows(_: Path) -> list[Row]:
    """Measure the jitter buffer on several networks, and the canceller on several lines."""
    return [
        row("jitter buffer: wait, even network", _waits(lambda _: on_time), aim=("max", 40.0)),
        row("jitter buffer: wait, 60 ms of jitter", _waits(_uneven), aim=("max", 90.0)),
        row("jitter buffer: at its target after a 200 ms stall", _stalls(), aim=("max", 2000.0)),
        row("echo left after 5 s", map(_echo_left, HYBRIDS), "dB", ("max", -25.0)),
        row("both speak at once: error", map(_both_error, HYBRIDS), "dB", ("max", -20.0)),
    ]


def _voice(begin: float, seconds: float, dbm0: float = -20.0) -> bytes:
    return sound.speech(begin + seconds, dbm0)[int(begin) * SECOND :]


def _uneven(seed: int) -> Delays:
    dice = random.Random(seed)
    return lambda _: (dice.random() * 480,)


def _waits(network: Callable[[int], Delays]) -> Iterable[float]:
    for seed in range(RUNS):
        said = g711.encode(_voice(10 * seed, 20.0), Law.ULAW)
        yield from read_through(JitterBuffer(Law.ULAW), said, network(seed)).waits[SETTLED:-TAIL]


def _stalls() -> Iterable[float]:
    for seed in range(RUNS):
        said = g711.encode(_voice(10 * seed, 20.0), Law.ULAW)
        reading = read_through(JitterBuffer(Law.ULAW), said, _stalled)
        begin = 2 * STALL_AT + STALL_SAMPLES // 80
        after = zip(reading.waits[begin:], reading.targets[begin:], strict=True)
        yield next(n for n, (wait, target) in enumerate(after) if wait <= target + 20) * READ_MS


def _stalled(number: int) -> tuple[float, ...]:
    return (max(0.0, STALL_SAMPLES - (number - STALL_AT) * 160) if number >= STALL_AT else 0.0,)


def _echo_left(hybrid: Hybrid) -> float:
    played = through(_voice(0, 20.0, -16.0))
    heard = line(hybrid, played, bytes(len(played)))
    return -erle_db(heard, cancelled(EchoCanceller(), heard, played), 5, 20)


def _both_error(hybrid: Hybrid) -> float:
    played, said = through(_voice(0, 30.0, -16.0)), bytes(10 * SECOND) + _voice(40, 20.0, -16.0)
    left = cancelled(EchoCanceller(), line(hybrid, played, said), played)
    return -sound.segmental_snr(said[10 * SECOND :], left[10 * SECOND :])
