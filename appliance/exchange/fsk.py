"""Caller identity on the line: MDMF messages sent as V.23 or Bell 202 FSK (v253.md section 3)."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.exchange.sound import SAMPLE_RATE, peak_of, samples, sine

if TYPE_CHECKING:
    from collections.abc import Iterator

BAUD = 1200
TONES = {"v23": (2100.0, 1300.0), "bell202": (2200.0, 1200.0)}
"""Hz of space (0) and mark (1)."""

LEVEL_DBM0 = -13.5
SEIZURE_BITS, MARK_BITS, TAIL_BITS = 300, 180, 10
MDMF = 0x80
TAG_TIME, TAG_NUMBER, TAG_NO_NUMBER, TAG_NAME, TAG_NO_NAME = 0x01, 0x02, 0x04, 0x07, 0x08
WITHHELD, UNAVAILABLE = "P", "O"
FAULTS = ("doubled", "spoilt", "malformed", "number_only", "cut", "name_absent")
"""What may become of an identity: printed twice; lost to a wrong checksum; a number and a name of
nonsense; nothing but the number; broken off before it; a name that is said to be absent."""
ALERT_HZ = (2130.0, 2750.0)
ALERT_MS = 100


@dataclass(frozen=True, slots=True)
class CallerId:
    """What the exchange tells about a caller; number `P` is withheld, `O` is not available.

    `fault` is one of FAULTS: what goes wrong on its way to the host.
    """

    number: str
    date: str
    time: str
    name: str = ""
    fault: str = ""


def message(caller: CallerId) -> bytes:
    """Build the MDMF message: type, length, parameters, two's-complement checksum."""
    absent = caller.number in {WITHHELD, UNAVAILABLE}
    fields = [
        (TAG_TIME, caller.date + caller.time),
        (TAG_NO_NUMBER if absent else TAG_NUMBER, caller.number),
    ]
    fields += [(TAG_NAME, caller.name)] if caller.name else []
    if caller.fault == "name_absent":
        fields.append((TAG_NO_NAME, UNAVAILABLE))
    body = b"".join(
        bytes([tag, len(text)]) + text.encode("ascii", "replace") for tag, text in fields
    )
    whole = bytes([MDMF, len(body)]) + body
    return whole + bytes([-sum(whole) & 0xFF])


def _byte_bits(value: int) -> tuple[int, ...]:
    return (0, *((value >> shift) & 1 for shift in range(8)), 1)


def bits(data: bytes) -> Iterator[int]:
    """Give the line bits: seizure 0101…, marks, then each byte as start, 8 data LSB first, stop."""
    seizure = (index & 1 for index in range(SEIZURE_BITS))
    framed = chain.from_iterable(_byte_bits(value) for value in data)
    return chain(seizure, (1,) * MARK_BITS, framed, (1,) * TAIL_BITS)


def modulate(data: bytes, standard: str) -> bytes:
    """Render a message as continuous-phase FSK, mu-law; standard is `v23` or `bell202`."""
    space, mark = (2 * math.pi * hz / SAMPLE_RATE for hz in TONES[standard])
    line = [mark if bit else space for bit in bits(data)]
    steps = (line[index * BAUD // SAMPLE_RATE] for index in range(len(line) * SAMPLE_RATE // BAUD))
    peak = peak_of(LEVEL_DBM0)
    pcm = array("h", [round(peak * math.sin(phase)) for phase in accumulate(steps)])
    return g711.linear_to_ulaw(pcm.tobytes())


def alert() -> bytes:
    """Render the dual-tone alerting signal that precedes an identity sent before the ring."""
    return sine(tuple((hz, -13.5) for hz in ALERT_HZ), samples(ALERT_MS))
