"""The echo canceller over hybrids of several kinds: what is left, how soon, and both at once."""

from __future__ import annotations

import audioop

import pytest

from appliance.dsp import wav
from appliance.dsp.wav import Law
from appliance.errors import TechnicianError
from appliance.media.echo import EchoCanceller
from tests.helpers import sound
from tests.helpers.hybrids import HYBRIDS, Hybrid

SECOND = 16_000
FRAME = 320
HISS_DBM0 = -60.0
EVERY = pytest.mark.parametrize("hybrid", HYBRIDS, ids=lambda hybrid: hybrid.name)


def through(pcm: bytes) -> bytes:
    """What a mu-law modem makes of 16-bit sound."""
    return sound.through(pcm, Law.ULAW)


def cancelled(canceller: EchoCanceller, heard: bytes, played: bytes) -> bytes:
    """What is left of `heard`."""
    cut = range(0, len(heard) - FRAME + 1, FRAME)
    return b"".join(canceller.cancel(heard[at : at + FRAME], played[at : at + FRAME]) for at in cut)


def voices(seconds: float, begin: float) -> bytes:
    """Recorded voices at -16 dBm0, the ones from a moment on."""
    return sound.speech(begin + seconds, -16.0)[int(begin) * SECOND :]


def line(hybrid: Hybrid, played: bytes, said: bytes) -> bytes:
    """What the modem hears: the caller, our own sound come back, some hiss; in mu-law."""
    hiss = sound.noise(len(played) // 2, HISS_DBM0)
    return through(audioop.add(audioop.add(hybrid.returns(played), said, 2), hiss, 2))


def erle_db(heard: bytes, left: bytes, begin: float, end: float) -> float:
    """Echo return loss enhancement: how much weaker what is left is, between two seconds."""
    part = slice(round(begin * SECOND), round(end * SECOND))
    return wav.level_dbm0(heard[part]) - wav.level_dbm0(left[part])


@EVERY
def test_the_echo_is_taken_out(hybrid: Hybrid) -> None:
    """Our own speech alone, echo return loss 6 to 10 dB: 17 dB less of it after 2 s, 25 after 5."""
    played = through(voices(20.0, 0))
    heard = line(hybrid, played, bytes(len(played)))
    left = cancelled(EchoCanceller(), heard, played)
    assert erle_db(heard, left, 2, 5) >= 17.0
    assert erle_db(heard, left, 5, 20) >= 25.0


@EVERY
def test_both_may_speak_at_once(hybrid: Hybrid) -> None:
    """Once the line is learnt, a caller who speaks all through our speech, as loud, is heard at
    20 dB, echo and all; without the canceller by far not.
    """
    played = through(voices(30.0, 0))
    said = bytes(10 * SECOND) + voices(20.0, 40)
    heard = line(hybrid, played, said)
    left = cancelled(EchoCanceller(), heard, played)
    both = slice(10 * SECOND, None)
    assert sound.segmental_snr(said[both], left[both]) >= 20.0
    assert sound.segmental_snr(said[both], heard[both]) <= 16.0


def test_what_was_learnt_serves_the_next_call() -> None:
    """The canceller is kept from call to call: both may speak from the first moment on."""
    hybrid = HYBRIDS[0]
    before, played = through(voices(30.0, 0)), through(voices(15.0, 40))
    said = voices(15.0, 70)
    canceller = EchoCanceller()
    cancelled(canceller, line(hybrid, before, bytes(len(before))), before)
    heard = line(hybrid, played, said)
    kept = sound.segmental_snr(said, cancelled(canceller, heard, played))
    anew = sound.segmental_snr(said, cancelled(EchoCanceller(), heard, played))
    assert kept >= 20.0
    assert kept >= anew + 3.0


def test_an_announcement_teaches_the_line() -> None:
    """On a line of which nothing is known four seconds of our own voice alone do: a caller who then
    speaks all through our speech is heard at 20 dB from the first moment on.
    """
    for hybrid in HYBRIDS:
        played = through(voices(14.0, 40))
        said = bytes(4 * SECOND) + voices(10.0, 70)
        left = cancelled(EchoCanceller(), line(hybrid, played, said), played)
        both = slice(4 * SECOND, None)
        assert sound.segmental_snr(said[both], left[both]) >= 20.0


def test_another_path_is_learnt_over_an_old_one() -> None:
    """Should the path change between two calls, 25 dB are there again after 5 s."""
    played = through(voices(40.0, 0))
    half = 20 * SECOND
    canceller = EchoCanceller()
    for hybrid, part in ((HYBRIDS[0], slice(0, half)), (HYBRIDS[4], slice(half, None))):
        heard = line(hybrid, played[part], bytes(len(played[part])))
        left = cancelled(canceller, heard, played[part])
    assert erle_db(heard, left, 5, 20) >= 25.0


def test_a_caller_alone_is_left_as_they_are() -> None:
    """With nothing to cancel a voice comes through at 30 dB: the library alone, whose filter turns
    its phase, has 23.
    """
    said = through(voices(20.0, 0))
    left = cancelled(EchoCanceller(), said, bytes(len(said)))
    assert sound.segmental_snr(said, left) >= 30.0


def test_without_the_library_it_is_said_what_to_install() -> None:
    """One sentence for the technician, naming the package."""
    with pytest.raises(TechnicianError, match="install the package libspeexdsp1"):
        EchoCanceller(library="libnone.so.9")


def test_its_memory_is_freed_once() -> None:
    """Closing twice is closing once."""
    canceller = EchoCanceller()
    canceller.close()
    canceller.close()
