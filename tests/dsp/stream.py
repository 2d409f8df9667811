"""One phone, one network, one reader: packets late, lost, twice, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.dsp.jitter import JitterBuffer
from appliance.dsp.wav import FRAME_SAMPLES

Delays = Callable[[int], Iterable[float]]
"""For the number of a packet, how late (samples) it arrives: once, never, or several times."""


@dataclass(slots=True)
class Reading:
    """What was read and, at each read, how long packets were made to wait (ms) and their aim."""

    heard: bytes
    waits: list[int]
    targets: list[int]


def read_through(
    buffer: JitterBuffer,
    said: bytes,
    delays: Delays,
    *,
    lump: int = 80,
    ppm: float = 0.0,
    paused: Callable[[int], bool] = lambda _: False,
) -> Reading:
    """Send `said` in frames through the network; read `lump` samples at a time.

    The phone's crystal is `ppm` fast against the reader's. A `paused` frame is not sent at all, the
    sequence goes on without it (RFC 3551 4.1).
    """
    pace = 1 - ppm * 1e-6
    events, sequence = [], 0
    for number in range(len(said) // FRAME_SAMPLES):
        if paused(number):
            continue
        due = (number + 1) * FRAME_SAMPLES * pace
        events += [(due + late, sequence, number) for late in delays(number)]
        sequence += 1
    events.sort()
    got, waits, targets = bytearray(), [], []
    at = 0
    for now in range(lump, round(len(said) * pace) + 4000, lump):
        while at < len(events) and events[at][0] <= now:
            _, seq, number = events[at]
            frame = said[number * FRAME_SAMPLES :][:FRAME_SAMPLES]
            buffer.put(seq % 65536, number * FRAME_SAMPLES % 2**32, frame)
            at += 1
        got += buffer.read(lump)
        waits.append(buffer.wait_ms)
        targets.append(buffer.target_ms)
    return Reading(bytes(got), waits, targets)


def on_time(number: int) -> tuple[float, ...]:
    """A network without faults."""
    return (0.0,)
