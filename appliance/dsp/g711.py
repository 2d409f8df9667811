"""G.711 and linear sound: between the companded bytes of the wire and 16-bit samples.

The same law on both sides returns the same object: what is not converted cannot be changed. Another
8-bit law costs one `bytes.translate` (0.1 us a frame, audio.md 6).
"""

from __future__ import annotations

# 0.08 us a frame to decode, 1.5 us to encode; decoding is bit-identical to ffmpeg (audio.md 6).
import audioop
from typing import TYPE_CHECKING

from appliance.dsp.wav import Law

if TYPE_CHECKING:
    from collections.abc import Callable

# 128 as a 16-bit sample: half of one 8-bit step, so that linear8 rounds instead of flooring.
_HALF_STEP = b"\x80\x00"


def ulaw_to_linear(data: bytes) -> bytes:
    """Decode mu-law bytes to 16-bit little-endian samples (ITU-T G.711 table 2)."""
    return audioop.ulaw2lin(data, 2)


def linear_to_ulaw(pcm16: bytes) -> bytes:
    """Encode 16-bit samples to mu-law bytes (ITU-T G.711 table 2)."""
    return audioop.lin2ulaw(pcm16, 2)


def alaw_to_linear(data: bytes) -> bytes:
    """Decode A-law bytes to 16-bit little-endian samples (ITU-T G.711 table 1)."""
    return audioop.alaw2lin(data, 2)


def linear_to_alaw(pcm16: bytes) -> bytes:
    """Encode 16-bit samples to A-law bytes (ITU-T G.711 table 1)."""
    return audioop.lin2alaw(pcm16, 2)


def linear8_to_linear(data: bytes) -> bytes:
    """Decode unsigned 8-bit samples to 16-bit ones; 0x80 is zero."""
    return audioop.lin2lin(audioop.bias(data, 1, -128), 1, 2)


def linear_to_linear8(pcm16: bytes) -> bytes:
    """Encode 16-bit samples to unsigned 8-bit ones, rounded to the nearest step."""
    # add() saturates where bias() would wrap the loudest samples round to the quietest.
    rounded = audioop.add(pcm16, _HALF_STEP * (len(pcm16) // 2), 2)
    return audioop.bias(audioop.lin2lin(rounded, 2, 1), 1, 128)


def _same(pcm16: bytes) -> bytes:
    return pcm16


_DECODERS: dict[Law, Callable[[bytes], bytes]] = {
    Law.ULAW: ulaw_to_linear,
    Law.ALAW: alaw_to_linear,
    Law.LINEAR8: linear8_to_linear,
    Law.LINEAR16: _same,
}
_ENCODERS: dict[Law, Callable[[bytes], bytes]] = {
    Law.ULAW: linear_to_ulaw,
    Law.ALAW: linear_to_alaw,
    Law.LINEAR8: linear_to_linear8,
    Law.LINEAR16: _same,
}
_EIGHT_BIT = (Law.ULAW, Law.ALAW, Law.LINEAR8)


def decode(data: bytes, law: Law) -> bytes:
    """Return `data` of `law` as 16-bit little-endian samples."""
    return _DECODERS[law](data)


def encode(pcm16: bytes, law: Law) -> bytes:
    """Return 16-bit samples encoded in `law`."""
    return _ENCODERS[law](pcm16)


_TABLES = {
    (source, target): encode(decode(bytes(range(256)), source), target)
    for source in _EIGHT_BIT
    for target in _EIGHT_BIT
}
"""For each pair of 8-bit laws, the target of each of the 256 bytes."""


def translate(data: bytes, source: Law, target: Law) -> bytes:
    """Convert `data` from one law to another; the very same object when the laws are the same."""
    # A mu-law modem joined to a PCMU phone passes every byte unchanged (design/decisions.md).
    if source is target:
        return data
    if Law.LINEAR16 in {source, target}:
        return encode(decode(data, source), target)
    return data.translate(_TABLES[source, target])
