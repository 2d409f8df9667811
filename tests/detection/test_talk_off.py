"""Voices and music end no call, press no key, and are no fax."""

from __future__ import annotations

import audioop
import math
from pathlib import Path

import pytest

from appliance.dsp import dtmf, progress, wav
from appliance.dsp.wav import Law
from tests.detection.corpora import (
    ALLISON,
    CARLO,
    ITALIAN,
    JUNE,
    MENARDI,
    MUSIC,
    VARIANTS,
    Corpus,
    Found,
    hear,
    listen,
)
from tests.helpers.sound import babble

PART = 6
"""Every sixth recording is heard in each run, all of them in `make long`."""


def test_the_listener_hears_what_is_there(tmp_path: Path) -> None:
    """A recording with a key, a busy tone, the three tones and a fax in it: each is found."""
    parts = (
        dtmf.dtmf("5"),
        dtmf.play(dtmf.PLANS["it"].busy[0], 4000),
        bytes(16_000),
        b"".join(dtmf.chord((hz,), 330) for hz in progress.TONES_HZ),
        bytes(16_000),
        dtmf.play(dtmf.cadence((1100,), 500, 3000), 5000),
    )
    path = tmp_path / "planted.wav"
    path.write_bytes(wav.build(b"".join(parts), Law.LINEAR16))
    found = listen([path])
    assert (found.digits, found.sits, found.faxes) == (1, 1, 1)
    assert found.tones >= 1
    assert not found.is_nothing
    assert "planted.wav" in found.where[0]


@pytest.mark.system
def test_nothing_is_heard_in_voices() -> None:
    """More than five minutes of each run, of four speakers: nothing at all."""
    files = [path for corpus in (CARLO, MENARDI, ALLISON, JUNE) for path in corpus.files()[::PART]]
    found = listen(files)
    assert found.minutes > 5
    assert found.is_nothing, found.where


@pytest.mark.system
def test_music_is_no_release() -> None:
    """Eighteen minutes of music on hold: not one tone, key or fax."""
    found = listen(MUSIC.files())
    assert found.minutes > 15
    assert found.is_nothing, found.where


@pytest.mark.long
@pytest.mark.parametrize("how", VARIANTS)
@pytest.mark.parametrize(
    ("corpora", "minutes"), [(ITALIAN, 70), ((ALLISON, JUNE), 50)], ids=["Italian", "others"]
)
def test_nothing_is_heard_in_any_voice(corpora: tuple[Corpus, ...], minutes: int, how: str) -> None:
    """Two hours, as they are, shouted and clipped, and through the coarsest format."""
    found = listen([path for corpus in corpora for path in corpus.files()], VARIANTS[how])
    assert found.minutes > minutes
    assert found.is_nothing, found.where


def test_whistling_is_no_fax_and_no_release() -> None:
    """A whistle that glides through every tone's frequency, in the tempo of busy."""
    glide = [
        dtmf.pcm16(8000 * math.sin(2 * math.pi * (400 + n / 20) * n / 8000) for n in range(4000))
        + bytes(8000)
    ] * 8
    assert listen_to(b"".join(glide))
    assert listen_to(audioop.add(b"".join(glide), babble(8, -30), 2))


def listen_to(pcm: bytes) -> bool:
    """Whether nothing is told of a sound."""
    found = Found()
    hear(pcm, "whistle", found)
    return found.is_nothing
