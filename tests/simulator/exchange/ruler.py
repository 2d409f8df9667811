"""The tests' own measures of sound, apart from every generator."""

from __future__ import annotations

import audioop
import math
import struct


def linear(ulaw: bytes) -> list[int]:
    """Give mu-law sound as 16-bit numbers."""
    pcm = audioop.ulaw2lin(ulaw, 2)
    return list(struct.unpack(f"<{len(ulaw)}h", pcm))


def level_dbm0(ulaw: bytes) -> float:
    """Measure the whole level: full-scale sine = +3.14 dBm0."""
    rms = audioop.rms(audioop.ulaw2lin(ulaw, 2), 2) or 1
    return 3.14 + 20 * math.log10(rms * math.sqrt(2) / 32767)


def goertzel_dbm0(ulaw: bytes, hz: float) -> float:
    """Measure the level of one frequency (a direct sum of products)."""
    values = linear(ulaw)
    step = 2 * math.pi * hz / 8000
    real = sum(value * math.cos(step * i) for i, value in enumerate(values))
    imaginary = sum(value * math.sin(step * i) for i, value in enumerate(values))
    peak = 2 * math.hypot(real, imaginary) / len(values)
    return 3.14 + 20 * math.log10(max(peak, 1e-9) / 32767)


def cadence_ms(ulaw: bytes, grain: int = 40) -> list[int]:
    """Measure the lengths of sound and silence in turn, beginning with sound; ms."""
    loud = [level_dbm0(ulaw[at : at + grain]) > -30 for at in range(0, len(ulaw), grain)]
    lengths = [0]
    now = True
    for each in loud:
        if each != now:
            lengths.append(0)
            now = each
        lengths[-1] += grain // 8
    return lengths
