"""Sound of the simulated line: mu-law arithmetic, DTMF and FSK generators, a worn pair."""

from __future__ import annotations

import audioop
import math
import random
from array import array
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from appliance.dsp import g711
from appliance.errors import ConfigurationError
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# ---- sound -------------------------------------------------------------------------------------
# Sound as the exchange carries it: mu-law bytes, 8000 a second, 0xFF for silence (G.711).

SAMPLE_RATE = 8000
SILENCE = 0xFF
"""The mu-law byte of a zero sample."""

# Level of a sine that just reaches full scale (G.711 table 5).
FULL_SCALE_DBM0 = 3.14

_QUIET = [bytes([SILENCE]) * n for n in range(512)]


def samples_of(milliseconds: float) -> int:
    """Turn ms into samples at 8 kHz."""
    return round(milliseconds * SAMPLE_RATE / 1000)


def silence_of(n: int) -> bytes:
    """Give n samples of mu-law silence."""
    return _QUIET[n] if n < len(_QUIET) else bytes([SILENCE]) * n


def is_quiet(data: bytes, threshold: int = 200) -> bool:
    """Tell whether mu-law sound is silent: RMS under threshold (200 is about -41 dBm0)."""
    return data.count(SILENCE) == len(data) or audioop.rms(g711.ulaw_to_linear(data), 2) < threshold


def amplified(data: bytes, gain_db: float) -> bytes:
    """Give mu-law sound louder by so many dB; the very same where that is none."""
    if not gain_db:
        return data
    gain = 10 ** (gain_db / 20)
    return g711.linear_to_ulaw(audioop.mul(g711.ulaw_to_linear(data), 2, gain))


def peak_of(level_dbm0: float) -> float:
    """Give the peak (16-bit units) of one sine at a level in dBm0."""
    return float(32767 * 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


@lru_cache(maxsize=256)
def sine(parts: tuple[tuple[float, float], ...], n: int) -> bytes:
    """Render n samples of the sum of sines (frequency Hz, level dBm0) as mu-law, phase 0 first."""
    waves = [(2 * math.pi * hz / SAMPLE_RATE, peak_of(dbm0)) for hz, dbm0 in parts]
    pcm = array("h", (round(sum(a * math.sin(w * i) for w, a in waves)) for i in range(n)))
    return g711.linear_to_ulaw(pcm.tobytes())


class RepeatedSound:
    """Plays one rendered cycle for ever."""

    def __init__(self, cycle: bytes) -> None:
        self._cycle = cycle
        self._at = 0

    def take(self, n: int) -> bytes:
        """Give the next n samples, starting again at the cycle's end."""
        cycle, at = self._cycle, self._at
        self._at = (at + n) % len(cycle)
        if at + n <= len(cycle):
            return cycle[at : at + n]
        return (cycle[at:] + cycle * (n // len(cycle) + 1))[:n]


def slice_at(clip: bytes, start: int, now: int, n: int) -> bytes:
    """Give the n samples from time `now` of a clip that begins at `start`, silence around it."""
    begin, end = now - start, now - start + n
    if end <= 0 or begin >= len(clip):
        return silence_of(n)
    piece = clip[max(begin, 0) : end]
    head = silence_of(max(-begin, 0))
    return head + piece + silence_of(n - len(head) - len(piece))


class Echo:
    """The hybrid's leakage of what the modem sends into what it hears.

    `loss_db` is the echo return loss, `delay_ms` the path's delay. Samples are mu-law.
    """

    def __init__(self, loss_db: float, delay_ms: int) -> None:
        self._gain = 10 ** (-loss_db / 20)
        self._sent = bytearray(silence_of(samples_of(delay_ms)))

    def sent(self, sound: bytes) -> None:
        """Remember what the modem put onto the line."""
        self._sent += sound

    def mix(self, heard: bytes) -> bytes:
        """Add the delayed echo to what comes from the far end."""
        n = len(heard)
        back = bytes(self._sent[:n]).ljust(n, b"\xff")
        del self._sent[:n]
        leaked = audioop.mul(g711.ulaw_to_linear(back), 2, self._gain)
        return g711.linear_to_ulaw(audioop.add(g711.ulaw_to_linear(heard), leaked, 2))


# ---- codec -------------------------------------------------------------------------------------
# The modem's sound formats, each turned into the line's mu-law and back (v253.md 1.5).

EVERY_BYTE = bytes(range(256))
HALF_STEP = b"\x80\x00"


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """One way to write a sample: bytes each, to and from mu-law."""

    width: int
    to_line: Callable[[bytes], bytes]
    from_line: Callable[[bytes], bytes]


def _signed8_to_linear(data: bytes) -> bytes:
    return audioop.lin2lin(data, 1, 2)


def _linear_to_signed8(pcm: bytes) -> bytes:
    # Rounded to the nearest step; add() saturates, so the loudest sample stays the loudest.
    return audioop.lin2lin(audioop.add(pcm, HALF_STEP * (len(pcm) // 2), 2), 2, 1)


def _unsigned8_to_linear(data: bytes) -> bytes:
    return _signed8_to_linear(audioop.bias(data, 1, -128))


def _linear_to_unsigned8(pcm: bytes) -> bytes:
    return audioop.bias(_linear_to_signed8(pcm), 1, 128)


def _linear14(ulaw: bytes) -> bytes:
    """Left-justified 14 bits, bit 0 set in every sample (v253.md 1.5, id 133)."""
    pcm = g711.ulaw_to_linear(ulaw)
    masked = int.from_bytes(pcm, "little") & int.from_bytes(b"\xfc\xff" * len(ulaw), "little")
    marked = masked | int.from_bytes(b"\x01\x00" * len(ulaw), "little")
    return marked.to_bytes(len(pcm), "little")


def _same(data: bytes) -> bytes:
    return data


def _by_table(decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]) -> SampleFormat:
    to_line = g711.linear_to_ulaw(decode(EVERY_BYTE))
    from_line = encode(g711.ulaw_to_linear(EVERY_BYTE))
    return SampleFormat(
        1, lambda data: data.translate(to_line), lambda data: data.translate(from_line)
    )


@lru_cache(maxsize=16)
def sample_format(law: str) -> SampleFormat:
    """Give the codec of a law: ulaw, alaw, unsigned8, signed8, linear16 or linear14."""
    if law == "ulaw":
        return SampleFormat(1, _same, _same)
    if law == "alaw":
        return _by_table(g711.alaw_to_linear, g711.linear_to_alaw)
    if law == "unsigned8":
        return _by_table(_unsigned8_to_linear, _linear_to_unsigned8)
    if law == "signed8":
        return _by_table(_signed8_to_linear, _linear_to_signed8)
    out = g711.ulaw_to_linear if law == "linear16" else _linear14
    return SampleFormat(2, g711.linear_to_ulaw, out)


# ---- dtmf --------------------------------------------------------------------------------------
# DTMF generator (ITU-T Q.23): digits as mu-law sound, high group -9 dBm0, low group -11 dBm0.

ROWS = (697.0, 770.0, 852.0, 941.0)
COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
PAIRS = {
    key: (ROWS[row], COLUMNS[column])
    for row, keys in enumerate(KEYS)
    for column, key in enumerate(keys)
}
LOW_DBM0, HIGH_DBM0 = -11.0, -9.0
ON_MS, OFF_MS = 80, 80


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of sound; `digit` names the key when it is a DTMF burst."""

    sound: bytes
    digit: str = ""


@lru_cache(maxsize=64)
def burst(digit: str, on_ms: int = ON_MS) -> bytes:
    """Render one key for on_ms."""
    low, high = PAIRS[digit]
    return sine(((low, LOW_DBM0), (high, HIGH_DBM0)), samples_of(on_ms))


def checked_keys(digits: str) -> str:
    """Give the digits back in capitals; raises ConfigurationError for a key no telephone has."""
    upper = digits.upper()
    wrong = sorted(set(upper) - set(PAIRS) - {","})
    if wrong:
        raise ConfigurationError(
            _(
                "digits {digits!r} hold {wrong!r}: use 0-9 A-D * #",
                digits=digits,
                wrong="".join(wrong),
            )
        )
    return upper


def segments(digits: str, on_ms: int = ON_MS, off_ms: int = OFF_MS) -> list[Segment]:
    """Render a row of keys, each followed by its pause; a comma is a second's pause."""
    rendered: list[Segment] = []
    for digit in checked_keys(digits):
        if digit == ",":
            rendered.append(Segment(silence_of(samples_of(1000))))
            continue
        rendered += [Segment(burst(digit, on_ms), digit), Segment(silence_of(samples_of(off_ms)))]
    return rendered


# ---- fsk ---------------------------------------------------------------------------------------
# Caller identity on the line: MDMF messages sent as V.23 or Bell 202 FSK (v253.md section 3).

FSK_BAUD = 1200
FSK_TONES = {"v23": (2100.0, 1300.0), "bell202": (2200.0, 1200.0)}
"""Hz of space (0) and mark (1)."""

FSK_DBM0 = -13.5
SEIZURE_BITS, MARK_BITS, TAIL_BITS = 300, 180, 10
MDMF = 0x80
TAG_TIME, TAG_NUMBER, TAG_NO_NUMBER, TAG_NAME, TAG_NO_NAME = 0x01, 0x02, 0x04, 0x07, 0x08
WITHHELD, UNAVAILABLE = "P", "O"
# What may become of an identity: printed twice; lost to a wrong checksum; a number and a name of
# nonsense; nothing but the number; broken off before it; a name that is said to be absent.
IDENTITY_FAULTS = ("doubled", "spoilt", "malformed", "number_only", "cut", "name_absent")
ALERT_HZ = (2130.0, 2750.0)
ALERT_MS = 100


@dataclass(frozen=True, slots=True)
class SentIdentity:
    """What the exchange tells about a caller; number `P` is withheld, `O` is not available.

    `fault` is one of FAULTS: what goes wrong on its way to the host.
    """

    number: str
    date: str
    time: str
    name: str = ""
    fault: str = ""


def mdmf_message(caller: SentIdentity) -> bytes:
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


def fsk_bits(data: bytes) -> Iterator[int]:
    """Give the line bits: seizure 0101…, marks, then each byte as start, 8 data LSB first, stop."""
    seizure = (index & 1 for index in range(SEIZURE_BITS))
    framed = chain.from_iterable(_byte_bits(value) for value in data)
    return chain(seizure, (1,) * MARK_BITS, framed, (1,) * TAIL_BITS)


def fsk_modulate(data: bytes, standard: str) -> bytes:
    """Render a message as continuous-phase FSK, mu-law; standard is `v23` or `bell202`."""
    space, mark = (2 * math.pi * hz / SAMPLE_RATE for hz in FSK_TONES[standard])
    line = [mark if bit else space for bit in fsk_bits(data)]
    steps = (
        line[index * FSK_BAUD // SAMPLE_RATE]
        for index in range(len(line) * SAMPLE_RATE // FSK_BAUD)
    )
    peak = peak_of(FSK_DBM0)
    pcm = array("h", [round(peak * math.sin(phase)) for phase in accumulate(steps)])
    return g711.linear_to_ulaw(pcm.tobytes())


def alerting_tone() -> bytes:
    """Render the dual-tone alerting signal that precedes an identity sent before the ring."""
    return sine(tuple((hz, -13.5) for hz in ALERT_HZ), samples_of(ALERT_MS))


# ---- worn --------------------------------------------------------------------------------------
# Impairments of a bad pair: loss, noise, lost treble, distortion.

DEAD_LINE_DB = 60.0
"""So weak a signal is none: mu-law has no step for it."""
FULL_SCALE = 32767
RMS_OF_SINE = 2**-0.5
"""A level is told of a sine: its RMS is so much of its peak."""


CRACKLE = SAMPLE_RATE // 5
"""A pair that crackles does so for a fifth of each second."""


@lru_cache(maxsize=8)
def white_noise(dbm0: float, *, crackles: bool = False) -> bytes:
    """Render a second of white noise at a level, as 16-bit samples; the same every time."""
    noise = random.Random(1)
    rms = peak_of(dbm0) * RMS_OF_SINE
    values = (max(-32768, min(32767, round(noise.gauss(0, rms)))) for _ in range(SAMPLE_RATE))
    noise_pcm = b"".join(value.to_bytes(2, "little", signed=True) for value in values)
    return noise_pcm[: 2 * CRACKLE].ljust(len(noise_pcm), b"\0") if crackles else noise_pcm


@lru_cache(maxsize=4)
def bending_table(share: float) -> bytes:
    """Give for each mu-law byte what an amplifier with a bent characteristic makes of it."""
    pcm = array("h", g711.ulaw_to_linear(bytes(range(256))))
    bent = (round(each * (1 - share * each / FULL_SCALE)) for each in pcm)
    return g711.linear_to_ulaw(
        array("h", (max(-FULL_SCALE, min(FULL_SCALE, b)) for b in bent)).tobytes()
    )


class WornPair:
    """A pair with loss, noise, and treble that is lost; as it is made, it changes nothing.

    `loss_db` weakens (below 0: strengthens) all that comes, `noise_dbm0` is added to it. `dull` is
    how often neighbouring samples are averaged: once takes 5 dB at 2.6 kHz and 13 at 3.4. `bent`
    is by how much (0 to 1) a full half wave is bent: what comes has harmonics then.
    """

    def __init__(self) -> None:
        self.loss_db = 0.0
        self.dull = 0
        self.bent = 0.0
        self._noise: RepeatedSound | None = None
        self._before = [b"\0\0"] * 8

    def hiss(self, dbm0: float | None, *, crackles: bool = False) -> None:
        """Add noise at a level from now on, steady or crackling, or none."""
        self._noise = None if dbm0 is None else RepeatedSound(white_noise(dbm0, crackles=crackles))

    def mix(self, sound: bytes) -> bytes:
        """Give what arrives of mu-law sound; silence on a pair without noise stays silence."""
        if self.loss_db >= DEAD_LINE_DB:
            sound = silence_of(len(sound))
        if self.bent:
            sound = sound.translate(bending_table(self.bent))
        if not (self.dull or self._noise):
            return amplified(sound, -self.loss_db) if self.loss_db else sound
        pcm = g711.ulaw_to_linear(amplified(sound, -self.loss_db))
        for turn in range(self.dull):
            pcm = self._averaged(pcm, turn)
        if self._noise:
            pcm = audioop.add(pcm, self._noise.take(len(pcm)), 2)
        return g711.linear_to_ulaw(pcm)

    def _averaged(self, pcm: bytes, turn: int) -> bytes:
        if not pcm:
            return pcm
        shifted = self._before[turn] + pcm[:-2]
        self._before[turn] = pcm[-2:]
        return audioop.add(audioop.mul(pcm, 2, 0.5), audioop.mul(shifted, 2, 0.5), 2)
