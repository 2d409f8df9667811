"""What the mailbox knows of sound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dsp.wav import Law, silence
from appliance.errors import StoreError
from appliance.voicemail import storage
from tests.voicemail.box import speech

LAWS = [law.value for law in Law]


@pytest.mark.parametrize("law", LAWS)
def test_every_law_of_the_house_has_a_length_and_a_silence(law: str) -> None:
    """The mailbox agrees with the media package on each law (it may not import it)."""
    assert storage.silence(law, 30) == silence(Law(law), 240)
    assert storage.length_ms(law, len(silence(Law(law), 240))) == 30


def test_another_law_is_refused_in_words() -> None:
    """The sentence names what could have been said."""
    with pytest.raises(StoreError, match=r"'opus'.*ulaw, alaw, linear8, linear16"):
        storage.bytes_per_ms("opus")


@pytest.mark.parametrize(
    ("law", "quiet"), [("ulaw", b"\xff"), ("alaw", b"\xd5"), ("linear8", b"\x80")]
)
def test_what_a_power_cut_leaves_is_taken_out(law: str, quiet: bytes) -> None:
    """Zeros at the end are cut off, a hole of zeros inside becomes silence and is counted."""
    before, after = speech(1, 100) + b"a", b"b" + speech(2, 100) + b"c"
    assert storage.mend_sound(law, before + bytes(800) + after + bytes(3000)) == (
        before + quiet * 800 + after,
        100,
    )


def test_in_linear_sound_zeros_are_silence() -> None:
    """They stay, but for the tail; half a sample never does."""
    assert storage.mend_sound("linear16", b"ab" + bytes(200) + b"cd" + bytes(99)) == (
        b"ab" + bytes(200) + b"cd",
        0,
    )
    assert storage.mend_sound("linear16", b"abc") == (b"ab", 0)


@given(st.binary(min_size=1, max_size=400).map(lambda b: b + b"\x01"))
def test_a_voice_is_not_mended(voice: bytes) -> None:
    """Sound without long zeros is left as it is."""
    assert storage.mend_sound("ulaw", voice.replace(b"\0" * 8, b"")) == (
        voice.replace(b"\0" * 8, b""),
        0,
    )
