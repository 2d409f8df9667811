"""The wave of a message: what is loud is tall, and looking at it is not hearing."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from appliance.console.waves import BARS, HEIGHT, LEAST, drawn, heights, wave_of
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law, Sound


def loud_then_silent(law: Law) -> Sound:
    """Return a second that is loud and one that is silent."""
    loud = b"".join(
        value.to_bytes(2, "little", signed=True) for value in (12000, 12000, -12000, -12000)
    )
    return Sound(g711.encode(loud * 2000 + bytes(16000), law), law)


@pytest.mark.parametrize("law", [Law.ULAW, Law.ALAW, Law.LINEAR16])
def test_what_is_loud_is_tall(law: Law) -> None:
    """The loudest piece fills the wave, a pause stays seen; as many bars as there is room for."""
    bars = heights(loud_then_silent(law))
    assert len(bars) == BARS
    assert bars[0] == HEIGHT / 2 - 1
    assert set(bars[BARS // 2 :]) == {LEAST}


@pytest.mark.parametrize("samples", [0, 1, 3, 79])
def test_a_message_of_nearly_nothing_has_a_wave(samples: int) -> None:
    """The call was cut off at once."""
    bars = heights(Sound(bytes(2 * samples), Law.LINEAR16))
    assert set(bars) <= {LEAST}
    (symbol,) = ElementTree.fromstring(drawn(bars))
    assert symbol.get("id") == "bars"


def test_another_sound_in_its_place_is_drawn_anew(tmp_path: Path) -> None:
    """The wave of a file that was written again is not the one of before."""
    path = tmp_path / "m.wav"
    wav.write(path, loud_then_silent(Law.ULAW))
    before = wave_of(path)
    wav.write(path, Sound(g711.encode(bytes(4000), Law.ULAW), Law.ULAW))
    assert wave_of(path) != before
