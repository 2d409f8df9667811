"""The closed greeting on a line: what a caller makes out, and when the tone comes (E1, E5, E11).

What was heard is recognised by correlation with every recording of the house.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from appliance.api import speech
from appliance.calls.orders import CallRecord
from appliance.dsp import g711
from appliance.prompts import Catalogue
from appliance.prompts.voices import texts
from appliance.simulator.exchange.process import RunningCall
from tests.helpers.box import Box
from tests.system.calls import end, in_state, place

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

MOST_S = 20.0
SETTINGS = "[voicemail]\nemergency_112 = true\n"
LIKE = 0.8
"""How like a recording a stretch of sound is that is taken for it; another word is below 0.4."""
SHORTEST = 4000
"""Samples of the shortest recording looked for: a digit's likeness says little."""


class Heard(NamedTuple):
    """A recording that was made out, when it began and ended (s), and how like it was."""

    name: str
    begins: float
    ends: float
    like: float


Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]


def samples_of(sound: bytes) -> Numbers:
    """Return 16-bit sound as numbers."""
    return np.frombuffer(sound, "<i2").astype(np.float64)


def recordings(box: Box) -> Iterator[tuple[str, bytes]]:
    """Give what the box may say: Italian in its own voice, which says the name; English."""
    catalogue = Catalogue(box.state / "spoken", device=("it",))
    for language in ("it", "en"):
        known = {key for entries in texts(language).values() for key in entries}
        for key in known - {"hold_music"}:
            yield f"{language}/{key}", catalogue.load(language, key)


def made_out(box: Box, call: RunningCall) -> list[Heard]:
    """List what was heard, in its order; of two recordings that begin alike the likelier one."""
    heard = samples_of(g711.ulaw_to_linear(bytes(call.heard)))
    size = 1 << (len(heard) - 1).bit_length()
    spectrum = np.fft.rfft(heard, 2 * size)
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    found: dict[float, Heard] = {}
    for name, sound in recordings(box):
        said = samples_of(sound)
        at, like = _place(said, spectrum, energy, size) if len(said) >= SHORTEST else (0, 0.0)
        one = Heard(name, at / 8000, (at + len(said)) / 8000, like)
        known = found.get(round(one.begins, 1))
        if like >= LIKE and (known is None or known.like < like):
            found[round(one.begins, 1)] = one
    return sorted(found.values(), key=lambda one: one.begins)


def _place(said: Numbers, spectrum: Numbers, energy: Numbers, size: int) -> tuple[int, float]:
    """Find a recording by two of its beginning, middle and end: where, and how like it is.

    A machine that stands still loses some of the sound.
    """
    found = []
    for start in (0, (len(said) - SHORTEST) // 2, len(said) - SHORTEST):
        part = said[start : start + SHORTEST]
        like = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, 2 * size)))
        powers = energy[SHORTEST:] - energy[:-SHORTEST]
        score = like[: len(powers)] / np.sqrt(np.maximum(powers, 1e6) * np.square(part).sum())
        at = int(score.argmax())
        found.append((float(score[at]), at - start))
    by_score = sorted(found, reverse=True)
    return by_score[0][1], by_score[1][0]


@pytest.fixture(name="box", scope="module")
def a_closed_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box whose office is closed, and which has been given its name's voice."""
    pytest.importorskip("py_nanotts", reason="py-nanotts is not installed: make environment")
    folder = tmp_path_factory.mktemp("greeting")
    with Box(folder, lines=1, extra=SETTINGS) as box:
        name = box.settings.site.name  # what the box would do by itself a little later
        speech.name_office(box.state / "spoken", None, name, "it")
        box.ask("spoken")
        box.ask("SetClosed", on=True, by="test", until=None)
        yield box


def until_tone(box: Box, call: RunningCall) -> CallRecord:
    """Listen until the box records, then hang up; returns the call's record."""
    states: set[str] = set()

    def records() -> bool:
        try:
            call.wait_for("nothing", 0.1)
        except TimeoutError:
            states.update(one["state"] for one in box.status()["calls"])
        return "recording" in states

    box.wait_until(records, 60.0, "the box did not record")
    return end(box, call)


def test_name_reason_how_and_the_tone_within_20_s(box: Box) -> None:
    """Nothing pressed: the town, English, closed, how to leave a message, 112, the notice, tone."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    until_tone(box, call)
    heard = made_out(box, call)
    names = [one.name for one in heard]
    assert names == [
        "it/welcome", "en/language_key", "it/greeting_closed", "it/leave_message",
        "it/emergency_112", "it/privacy",
    ], names  # fmt: skip
    assert heard[-1].ends - heard[0].begins <= MOST_S


def test_nine_is_english_to_the_tone(box: Box) -> None:
    """E5: the key that is named in English leads to English alone, from its beginning."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    call.press("9")
    record = until_tone(box, call)
    heard = made_out(box, call)
    names = [one.name for one in heard]
    assert names[-4:] == [
        "en/greeting_closed", "en/leave_message", "en/emergency_112", "en/privacy",
    ], names  # fmt: skip
    assert "it/leave_message" not in names
    assert "language.en" in record.trail


def test_hash_is_the_tone_at_once(box: Box) -> None:
    """The key that the greeting names: nothing of it is heard after that."""
    call = place(box, 1, caller="0511234567", hang_up_after_ms=600_000)
    in_state(box, "greeting")
    call.press("#")
    record = until_tone(box, call)
    heard = made_out(box, call)
    assert "it/leave_message" not in [one.name for one in heard]
    assert "greeting.skipped" in record.trail
