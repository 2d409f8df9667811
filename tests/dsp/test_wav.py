"""WAV: everything the box writes is read back, everything it cannot play is refused in words."""

from __future__ import annotations

import contextlib
import io
import struct
import wave
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp import wav
from appliance.dsp.wav import Law
from tests.helpers.sound import voices

if TYPE_CHECKING:
    from pathlib import Path

SOUND = bytes(range(256))


@given(st.binary(max_size=999), st.sampled_from(list(Law)))
def test_what_is_built_is_read_back(data: bytes, law: Law) -> None:
    """Any sound in any law comes back byte for byte, odd lengths included."""
    data = data[: len(data) - len(data) % wav.SAMPLE_BYTES[law]]
    contents = wav.build(data, law)
    assert len(contents) % 2 == 0
    assert struct.unpack_from("<I", contents, 4) == (len(contents) - 8,)
    assert wav.parse(contents) == wav.Sound(data, law)


@given(st.binary(max_size=4000))
def test_no_bytes_do_worse_than_a_sentence(contents: bytes) -> None:
    """Whatever a file holds, reading it ends in sound or in a WavError."""
    framed = wav.header(Law.ALAW, 7) + contents
    for candidate in (contents, b"RIFFxxxxWAVE" + contents, framed):
        with contextlib.suppress(wav.WavError):
            assert isinstance(wav.parse(candidate), wav.Sound)


def test_companded_header_is_58_bytes_with_fact() -> None:
    """A-law and mu-law carry cbSize and a fact chunk; PCM has the plain 44 bytes."""
    head = wav.header(Law.ALAW, 1000)
    assert head == (
        b"RIFF" + struct.pack("<I", 1050) + b"WAVE"
        b"fmt " + struct.pack("<IHHIIHHH", 18, 6, 1, 8000, 8000, 1, 8, 0) +
        b"fact" + struct.pack("<II", 4, 1000) + b"data" + struct.pack("<I", 1000)
    )  # fmt: skip
    assert [wav.header_bytes(law) for law in Law] == [58, 58, 44, 44]


@pytest.mark.parametrize(("law", "width"), [(Law.LINEAR8, 1), (Law.LINEAR16, 2)])
def test_standard_library_reads_our_pcm(law: Law, width: int) -> None:
    """A stranger's reader agrees on rate, width and samples."""
    with wave.open(io.BytesIO(wav.build(SOUND, law))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, width, 1)
        assert file.readframes(1000) == SOUND


def test_unknown_chunks_are_stepped_over() -> None:
    """Editors add LIST and others, of odd length too; the sound is still found."""
    extra = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    contents = wav.build(SOUND, Law.ULAW)
    assert wav.parse(contents[:12] + extra + contents[12:] + extra).data == SOUND


def test_half_a_sample_at_the_end_is_left_out() -> None:
    """An odd number of bytes of 16-bit sound is read up to the last whole sample."""
    assert wav.parse(wav.build(b"abc", Law.LINEAR16)).data == b"ab"


def _changed(at: int, fmt: str, value: int, law: Law = Law.LINEAR16) -> bytes:
    contents = bytearray(wav.build(SOUND, law))
    struct.pack_into(fmt, contents, at, value)
    return bytes(contents)


@pytest.mark.parametrize(
    "contents, words",
    [
        (b"", "not a WAV file"),
        (b"ID3\x03" + SOUND, "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "does not say its format"),
        (wav.build(SOUND, Law.ALAW)[:50], "no data chunk"),
        (wav.build(SOUND, Law.ALAW)[:100], "cut short by 214 bytes"),
        (_changed(22, "<H", 2), "2 channels"),
        (_changed(20, "<H", 0x55), "format 85 with 16 bits"),
        (_changed(34, "<H", 24), "format 1 with 24 bits"),
        (_changed(24, "<I", 44100), "44100 samples a second instead of 8000"),
        (_changed(24, "<I", 0), "0 samples a second"),
    ],
)
def test_a_broken_file_is_refused_in_words(contents: bytes, words: str) -> None:
    """One sentence says what is wrong with the file and what to do."""
    with pytest.raises(wav.WavError, match=words) as caught:
        wav.parse(contents)
    assert any(word in str(caught.value) for word in ("sox", "again"))


def test_another_rate_is_read_when_asked() -> None:
    """The rate is the caller's choice; the duration follows it."""
    sound = wav.parse(wav.build(SOUND, Law.LINEAR16, 16000), rate=None)
    assert (sound.rate, sound.duration_ms) == (16000, 8)


def test_a_sound_beyond_4_gib_is_refused() -> None:
    """A RIFF size has 32 bits."""
    with pytest.raises(wav.WavError, match="split the recording"):
        wav.header(Law.ALAW, 1 << 32)


@pytest.mark.parametrize("law", list(Law))
def test_interrupted_recording_is_repaired(law: Law) -> None:
    """After a power cut the header is made to say what the file holds, whatever it said."""
    for said in (0, 160, 10**6):
        head = wav.header(law, said)
        assert wav.repair(head + SOUND, len(head) + 256) == wav.header(law, 256)
    assert wav.repair(wav.header(law, 0), 20) == wav.header(law, 0)


@pytest.mark.parametrize(
    "head", [b"", bytes(64), b"XIFF" + wav.header(Law.ALAW, 1)[4:], wav.build(SOUND, Law.ULAW)[:56]]
)
def test_only_our_own_headers_are_repaired(head: bytes) -> None:
    """A file that is not a recording of the box is not overwritten."""
    with pytest.raises(wav.WavError, match="cannot be repaired"):
        wav.repair(head, 1000)


def test_files_are_written_and_read(tmp_path: Path) -> None:
    """The two conveniences agree."""
    sound = wav.Sound(SOUND, Law.ALAW)
    wav.write(tmp_path / "a.wav", sound)
    assert wav.read(tmp_path / "a.wav") == sound


@pytest.mark.system
def test_all_recorded_voices_are_readable() -> None:
    """Every file of the Debian voices is 8 kHz mono sound to us."""
    assert all(wav.read(path).rate == 8000 for path in voices())
