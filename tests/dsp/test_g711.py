"""G.711: by the standard's own formulas, and exact where nothing need change."""

from __future__ import annotations

import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp import g711
from appliance.dsp.wav import Law

ALL_BYTES = bytes(range(256))
EIGHT_BIT = [Law.ULAW, Law.ALAW, Law.LINEAR8]


def ulaw_value(byte: int) -> int:
    """G.711 table 2: complemented sign, exponent, mantissa, bias 33 of 14 bits."""
    inverse = ~byte & 0xFF
    exponent, mantissa = inverse >> 4 & 7, inverse & 15
    size = ((2 * mantissa + 33) << exponent) - 33
    return 4 * (-size if inverse & 0x80 else size)


def alaw_value(byte: int) -> int:
    """G.711 table 1: every other bit inverted, 13 bits."""
    toggled = byte ^ 0x55
    exponent, mantissa = toggled >> 4 & 7, toggled & 15
    size = 2 * mantissa + 1 if exponent == 0 else (2 * mantissa + 33) << (exponent - 1)
    return 8 * (size if toggled & 0x80 else -size)


def samples(pcm: bytes) -> list[int]:
    """16-bit samples as numbers."""
    return array.array("h", pcm).tolist()


def test_decoding_is_the_standards_table() -> None:
    """All 256 bytes of both laws decode to the values of G.711 tables 1 and 2."""
    assert samples(g711.ulaw_to_linear(ALL_BYTES)) == [ulaw_value(byte) for byte in ALL_BYTES]
    assert samples(g711.alaw_to_linear(ALL_BYTES)) == [alaw_value(byte) for byte in ALL_BYTES]


@pytest.mark.parametrize("law", EIGHT_BIT)
def test_encoding_picks_a_nearest_value(law: Law) -> None:
    """Every 16-bit sample is coded within one step of the nearest value (ties may differ)."""
    pcm = array.array("h", range(-32768, 32768)).tobytes()
    known = sorted(set(samples(g711.decode(ALL_BYTES, law))))
    for sample, coded in zip(
        samples(pcm)[::17], samples(g711.decode(g711.encode(pcm, law), law))[::17], strict=True
    ):
        place = known.index(coded)
        near = known[max(0, place - 1) : place + 2]
        assert abs(coded - sample) <= max(4, *(abs(one - coded) for one in near))


def test_eight_bit_linear_rounds_and_saturates() -> None:
    """The loudest samples stay the loudest, and half a step goes up."""
    pcm = array.array("h", [32767, -32768, 127, 128, -128, -129, 0]).tobytes()
    assert g711.linear_to_linear8(pcm) == bytes([255, 0, 128, 129, 128, 127, 128])


@given(st.binary(max_size=400), st.sampled_from(list(Law)))
def test_same_law_is_the_same_object(data: bytes, law: Law) -> None:
    """Bytes heard equal bytes sent: with one law on both sides nothing is touched."""
    assert g711.translate(data, law, law) is data


@pytest.mark.parametrize("source", EIGHT_BIT)
@pytest.mark.parametrize("target", EIGHT_BIT)
def test_translation_is_decoding_and_encoding(source: Law, target: Law) -> None:
    """A translated byte is what decoding and encoding make of it, for all 256."""
    if source is not target:
        expected = g711.encode(g711.decode(ALL_BYTES, source), target)
        assert g711.translate(ALL_BYTES, source, target) == expected


def test_back_and_forth_between_the_laws_wears_sound_once() -> None:
    """A call that crosses both laws again and again loses nothing after the first time."""
    there = g711.translate(ALL_BYTES, Law.ULAW, Law.ALAW)
    once = g711.translate(there, Law.ALAW, Law.ULAW)
    assert g711.translate(g711.translate(once, Law.ULAW, Law.ALAW), Law.ALAW, Law.ULAW) == once


@given(st.binary(max_size=400).map(lambda data: data[: len(data) & ~1]))
def test_sixteen_bit_is_a_law_too(pcm: bytes) -> None:
    """Files and prompts of 16 bits pass through the same functions."""
    assert g711.decode(pcm, Law.LINEAR16) == g711.encode(pcm, Law.LINEAR16) == pcm
    assert g711.translate(pcm, Law.LINEAR16, Law.ALAW) == g711.linear_to_alaw(pcm)
    coded = g711.linear_to_ulaw(pcm)
    assert g711.translate(coded, Law.ULAW, Law.LINEAR16) == g711.ulaw_to_linear(coded)
