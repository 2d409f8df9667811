"""Sound frames, companding laws, WAV files, and synthesised speech made telephone sound."""

from __future__ import annotations

import array
import audioop
import enum
import itertools
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import TechnicianError
from appliance.text import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# ---- Frames: 20 ms of 8 kHz mono sound in one of four laws, and its level in dBm0

# Samples a second; nothing in this package works at another rate.
SAMPLE_RATE = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE * FRAME_MS // 1000
"""160 samples: 160 bytes of G.711, 320 bytes of 16-bit PCM."""
SAMPLES_PER_MS = SAMPLE_RATE // 1000

FULL_SCALE_DBM0 = 3.14
"""Level of a sine that reaches full scale (ITU-T G.711 section 4: A-law 3.14, mu-law 3.17)."""
# Result of `level_dbm0` for digital silence, which has no logarithm.
SILENCE_DBM0 = -96.0
_FULL_SCALE_PEAK = 32767.0


class Law(enum.StrEnum):
    """Coding of one sample: G.711 in either law, unsigned 8-bit, or 16-bit little endian."""

    ULAW = "ulaw"
    ALAW = "alaw"
    LINEAR8 = "linear8"
    LINEAR16 = "linear16"


SAMPLE_BYTES = {Law.ULAW: 1, Law.ALAW: 1, Law.LINEAR8: 1, Law.LINEAR16: 2}
"""Bytes a sample takes in each law."""

# One silent sample of each law (A-law has no zero: 0xD5 is its smallest positive step).
SILENCE = {Law.ULAW: b"\xff", Law.ALAW: b"\xd5", Law.LINEAR8: b"\x80", Law.LINEAR16: b"\0\0"}


def silence(law: Law, samples: int) -> bytes:
    """Return `samples` silent samples of `law`."""
    return SILENCE[law] * samples


def duration_ms(data: bytes, law: Law) -> int:
    """Return the duration of `data` in `law`, in whole ms (rounded down)."""
    return len(data) // SAMPLE_BYTES[law] // SAMPLES_PER_MS


def level_dbm0(pcm16: bytes) -> float:
    """Return the power of 16-bit sound in dBm0; `SILENCE_DBM0` for digital silence."""
    rms = audioop.rms(pcm16, 2)
    if rms == 0:
        return SILENCE_DBM0
    # A sine that reaches full scale is +3.14 dBm0 (G.711 section 4).
    return FULL_SCALE_DBM0 + 20 * math.log10(rms * math.sqrt(2) / _FULL_SCALE_PEAK)


def sine_peak(dbm0: float) -> float:
    """Return the peak, in 16-bit steps, of a sine of `dbm0`."""
    return _FULL_SCALE_PEAK * math.pow(10.0, (dbm0 - FULL_SCALE_DBM0) / 20)


def rms_at(dbm0: float) -> float:
    """Return the root mean square, in 16-bit steps, of a signal of `dbm0`."""
    return sine_peak(dbm0) / math.sqrt(2)


# ---- WAV files as bytes: parse any, write what browsers and telephones play
# PCM of 8 and 16 bits (format 1), A-law (6), mu-law (7), mono. A companded header is 58 bytes
# (18-byte `fmt `, `fact`, `data`: Microsoft, "Multiple Channel Audio Data and WAVE Files"), a PCM
# one 44. A recording is its header followed by frames; `header` rewrites it when it is closed and
# `repair` after a power cut. Browsers play A-law WAV as it is (audio.md 6).

_CONVERT = _("convert it with: sox in.wav -r 8000 -c 1 -e a-law out.wav")
_LAWS = {(1, 8): Law.LINEAR8, (1, 16): Law.LINEAR16, (6, 8): Law.ALAW, (7, 8): Law.ULAW}
_FORMATS = {law: key for key, law in _LAWS.items()}
# A RIFF size is 32 bits; the header counts too.
_MAX_BYTES = 0xFFFFFFFF - 64


class WavError(TechnicianError, ValueError):
    """Raised for bytes that are not a WAV the box can play; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound: `data` in `law`, `rate` samples a second."""

    data: bytes
    law: Law
    rate: int = SAMPLE_RATE

    @property
    def duration_ms(self) -> int:
        """Duration in whole ms (rounded down)."""
        return len(self.data) // SAMPLE_BYTES[self.law] * 1000 // self.rate


def parse(contents: bytes, rate: int | None = SAMPLE_RATE) -> Sound:
    """Return the sound in a WAV file's `contents`; unknown chunks are skipped.

    `rate` is the only rate accepted, None accepts any. Raises WavError, in one sentence.
    """
    chunks = _chunks(contents)
    law, found = _format(chunks.get(b"fmt ", b""))
    if b"data" not in chunks:
        raise WavError(_("the WAV file has no sound in it (no data chunk): record it again"))
    if rate is not None and found != rate:
        raise WavError(
            _(
                "the WAV file has {found} samples a second instead of {rate}: {convert}",
                found=found,
                rate=rate,
                convert=_CONVERT,
            )
        )
    data = chunks[b"data"]
    return Sound(data[: len(data) - len(data) % SAMPLE_BYTES[law]], law, found)


def build(data: bytes, law: Law, rate: int = SAMPLE_RATE) -> bytes:
    """Return a whole WAV file holding `data`."""
    # RIFF pads every chunk to an even length.
    return header(law, len(data), rate) + data + bytes(len(data) % 2)


def header(law: Law, n_bytes: int, rate: int = SAMPLE_RATE) -> bytes:
    """Return the header before `n_bytes` of sound: 58 bytes for A-law and mu-law, 44 for PCM.

    Raises WavError when the sound is longer than a WAV file can hold.
    """
    if not 0 <= n_bytes <= _MAX_BYTES:
        raise WavError(f"a WAV file cannot hold {n_bytes} bytes: split the recording")
    form = _fmt_chunk(law, rate) + _fact_chunk(law, n_bytes)
    riff_bytes = 4 + len(form) + 8 + n_bytes + n_bytes % 2
    return struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE") + form + _head(b"data", n_bytes)


def header_bytes(law: Law) -> int:
    """Return the length of `header` for a law."""
    return len(header(law, 0))


def repair(head: bytes, file_bytes: int) -> bytes:
    """Return the right header for a file of `file_bytes` whose writer was interrupted.

    `head` is the file's first 58 bytes or more, as `header` wrote them with any length. Raises
    WavError when they are not such a header.
    """
    try:
        law, rate = _format(head[20:38])
    except WavError as error:
        raise WavError(f"the recording cannot be repaired: {error}") from error
    size = header_bytes(law)
    if len(head) < size or not _is_ours(head, law, rate):
        raise WavError("the recording cannot be repaired: its header is not one the box writes")
    return header(law, max(0, file_bytes - size), rate)


def read(path: Path) -> Sound:
    """Read a WAV file; raises WavError, OSError."""
    return parse(path.read_bytes())


def write(path: Path, sound: Sound) -> None:
    """Write a WAV file, not atomically; raises OSError."""
    path.write_bytes(build(sound.data, sound.law, sound.rate))


def _is_ours(head: bytes, law: Law, rate: int) -> bool:
    ours = header(law, 0, rate)
    return [head[part] for part in _fixed(law)] == [ours[part] for part in _fixed(law)]


def _fixed(law: Law) -> list[slice]:
    """Return the parts of a header that do not depend on the length of the sound."""
    end = header_bytes(law)
    if law is Law.LINEAR8 or law is Law.LINEAR16:
        return [slice(0, 4), slice(8, end - 4)]
    return [slice(0, 4), slice(8, 46), slice(50, end - 4)]


def _chunks(contents: bytes) -> dict[bytes, bytes]:
    if contents[:4] != b"RIFF" or contents[8:12] != b"WAVE":
        raise WavError(_("the file is not a WAV file: {convert}", convert=_CONVERT))
    found: dict[bytes, bytes] = {}
    for name, body in _walk(contents):
        found.setdefault(name, body)
    return found


def _walk(contents: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(contents):
        name, size = struct.unpack_from("<4sI", contents, at)
        body = contents[at + 8 : at + 8 + size]
        if len(body) < size:
            missing = size - len(body)
            raise WavError(
                _("the WAV file is cut short by {missing} bytes: copy it again", missing=missing)
            )
        yield name, body
        # Chunks begin at even places.
        at += 8 + size + size % 2


def _format(fmt: bytes) -> tuple[Law, int]:
    if len(fmt) < 16:
        raise WavError(
            _(
                "the WAV file does not say its format (no fmt chunk): {convert}",
                convert=_CONVERT,
            )
        )
    code, channels, rate, _bytes, _block, bits = struct.unpack_from("<HHIIHH", fmt)
    if channels != 1:
        raise WavError(
            _(
                "the WAV file has {channels} channels instead of one: {convert}",
                channels=channels,
                convert=_CONVERT,
            )
        )
    law = _LAWS.get((code, bits))
    if law is None:
        raise WavError(
            _(
                "the WAV file is of format {code} with {bits} bits: {convert}",
                code=code,
                bits=bits,
                convert=_CONVERT,
            )
        )
    if rate == 0:
        raise WavError(_("the WAV file says 0 samples a second: {convert}", convert=_CONVERT))
    return law, rate


def _fmt_chunk(law: Law, rate: int) -> bytes:
    code, bits = _FORMATS[law]
    size = SAMPLE_BYTES[law]
    fields = struct.pack("<HHIIHH", code, 1, rate, rate * size, size, bits)
    # cbSize, required for every format but PCM.
    extension = b"" if code == 1 else b"\0\0"
    return _head(b"fmt ", len(fields + extension)) + fields + extension


def _fact_chunk(law: Law, n_bytes: int) -> bytes:
    if _FORMATS[law][0] == 1:
        return b""
    return _head(b"fact", 4) + struct.pack("<I", n_bytes)


def _head(name: bytes, size: int) -> bytes:
    return struct.pack("<4sI", name, size)


# ---- Speech of a synthesiser made telephone sound: band, level and edges of our recordings
# Sound is 16-bit little-endian mono; 8 kHz unless said. Everything is done by `audioop` on whole
# buffers: a minute takes a second here. Levels as in scripts/render_prompts.py (audio.md 3).
# Active level of every announcement (audio.md 3: the voices' own levels differ by 10 dB).
ACTIVE_DBM0 = -15.0
# Peak limit, -6 dBFS less what rounding may add (audio.md 3).
PEAK = 32768 * 10 ** (-6.3 / 20)
# A 20 ms frame is speech within this of the active level (the margin of ITU-T P.56).
GATE_DB = 15.9
FRAME = SAMPLE_RATE // 50
# The limiter's step, 5 ms.
BLOCK = SAMPLE_RATE // 200
# Pass band of a telephone channel.
BAND_HZ = (200.0, 3400.0)
# Length of each half of the filter, in samples of 8 kHz: 25 ms.
TAPS = 201
# Sound begins and ends where 5 ms come within this of the active level.
SILENT_DB = 32.0
# Silence kept at both ends, 100 ms.
EDGE = SAMPLE_RATE // 10
# In BLOCKs: silence of 100 ms before what is shorter than 40 ms and no speech.
PAUSE, CLICK = 20, 8
_WIDTH = 2
_WIDE = 4
# The filter's sums may exceed a sample by its inverse.
_HEADROOM = 1 / 8


def from_rate(sound: bytes, rate: int) -> bytes:
    """Return sound of any rate (Hz) as 8 kHz sound of the telephone's band."""
    if rate == SAMPLE_RATE:
        return sound
    wide, _ = audioop.ratecv(sound, _WIDTH, 1, rate, 2 * SAMPLE_RATE, None)
    return telephone(wide)


def telephone(sound: bytes) -> bytes:
    """Return 16 kHz sound as 8 kHz sound of the telephone's band (linear-phase FIR)."""
    wide = array.array("i", audioop.mul(audioop.lin2lin(sound, _WIDTH, _WIDE), _WIDE, _HEADROOM))
    wide = wide[: len(wide) & ~1]
    kernel = _kernel()
    # Even and odd samples are filtered apart and added: only what is kept is computed.
    even, odd = (_filtered(wide[n::2].tobytes(), kernel[n::2]) for n in (0, 1))
    total = audioop.add(even, odd, _WIDE)
    return audioop.lin2lin(audioop.mul(total, _WIDE, 1 / _HEADROOM), _WIDE, _WIDTH)


def _kernel() -> list[float]:
    """Return a windowed band pass at 16 kHz, its odd taps first in the order of time."""
    low, high = (hz / SAMPLE_RATE for hz in BAND_HZ)  # relative to half of 16 kHz
    middle = TAPS - 1
    return [
        (high * _sinc(high * (n - middle)) - low * _sinc(low * (n - middle)))
        * (0.54 + 0.46 * math.cos(math.pi * (n - middle) / TAPS))
        for n in range(2 * TAPS)
    ]


def _sinc(x: float) -> float:
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


def _filtered(wide: bytes, taps: list[float]) -> bytes:
    """Correlate 32-bit samples with taps around each of them; the same length."""
    silence = bytes(_WIDE * (TAPS // 2))
    padded = silence + wide + silence
    total = bytes(len(wide))
    for number, tap in enumerate(taps):
        part = padded[number * _WIDE : number * _WIDE + len(wide)]
        total = audioop.add(total, audioop.mul(part, _WIDE, tap), _WIDE)
    return total


def active_dbm0(sound: bytes) -> float:
    """Return the active level in dBm0 of the frames that hold speech, -99 for silence."""
    powers = [audioop.rms(frame, _WIDTH) ** 2 for frame in _pieces(sound, FRAME)]
    level = sum(powers) / max(len(powers), 1)
    for _round in range(20):
        speaking = [power for power in powers if power >= level * 10 ** (-GATE_DB / 10)]
        level = sum(speaking) / max(len(speaking), 1)
    return 10 * math.log10(2 * level / 32768**2) + FULL_SCALE_DBM0 if level else -99.0


def levelled(sound: bytes) -> bytes:
    """Return speech at the level of our recordings, no peak over PEAK; silence stays silence."""
    if not any(sound):
        return sound
    # Limiting takes some level away, which the next round gives back.
    for _round in range(6):
        sound = _limited(sound, 10 ** ((ACTIVE_DBM0 - active_dbm0(sound)) / 20))
    return sound


def _limited(sound: bytes, gain: float) -> bytes:
    """Amplify, and reduce the gain evenly from 5 ms before a peak over PEAK to 5 ms after."""
    peaks = [audioop.max(block, _WIDTH) for block in _pieces(sound, BLOCK)]
    own = [min(gain, PEAK / peak) if peak else gain for peak in peaks]
    around = [min(own[max(n - 1, 0) : n + 2]) for n in range(len(own))]
    # A corner lies where two blocks meet: no higher than either of them may be.
    corners = [
        around[0],
        *(min(pair) for pair in itertools.pairwise(around)),
        around[-1],
    ]
    blocks = zip(_pieces(sound, BLOCK), corners, corners[1:], strict=False)
    return b"".join(_ramped(*block) for block in blocks)


def _ramped(block: bytes, begin: float, end: float) -> bytes:
    """Amplify a block by a gain that changes linearly."""
    if begin == end:
        return audioop.mul(block, _WIDTH, begin)
    samples = array.array("h", block)
    step = (end - begin) / len(samples)
    return array.array("h", (int(x * (begin + step * n)) for n, x in enumerate(samples))).tobytes()


def trimmed(sound: bytes) -> bytes:
    """Cut the silence at both ends down to EDGE; silence alone becomes empty."""
    floor = active_dbm0(sound) - SILENT_DB
    loud = [n for n, block in enumerate(_pieces(sound, BLOCK)) if _dbm0(block) > floor]
    if not loud or floor < -99.0:
        return b""
    silence, size = bytes(EDGE * _WIDTH), BLOCK * _WIDTH
    return silence + sound[loud[0] * size : (loud[-1] + 1) * size] + silence


def without_end_click(sound: bytes) -> bytes:
    """Cut a short sound after the end of speech, behind a pause."""
    floor = active_dbm0(sound) - SILENT_DB
    loud = [n for n, block in enumerate(_pieces(sound, BLOCK)) if _dbm0(block) > floor]
    # SVOX Pico ends a sentence so, 32 dB below it: it would count as speech and keep the pause.
    ends = [n for n, following in itertools.pairwise(loud) if following - n > PAUSE]
    while ends and loud[-1] - next(n for n in loud if n > ends[-1]) < CLICK:
        loud = [n for n in loud if n <= ends[-1]]
        ends.pop()
    return sound[: (loud[-1] + 1) * BLOCK * _WIDTH] if loud else sound


def _dbm0(block: bytes) -> float:
    power = audioop.rms(block, _WIDTH) ** 2
    return 10 * math.log10(2 * power / 32768**2) + FULL_SCALE_DBM0 if power else -200.0


def _pieces(sound: bytes, samples: int) -> Iterator[bytes]:
    """Cut sound into pieces of `samples`; the last one may be short."""
    size = samples * _WIDTH
    return (sound[at : at + size] for at in range(0, len(sound), size))
