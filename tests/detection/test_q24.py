"""Keys at the corners of ITU-T Q.24, 600 of each condition; and keys that are no release."""

from __future__ import annotations

import itertools

import pytest

from appliance.dsp import dtmf, progress
from tests.detection import trials
from tests.detection.signals import Dialling, errors
from tests.dsp.test_progress import RELEASE

TEMPOS_MS = ((500, 500), (480, 480), (375, 375), (250, 250), (240, 240), (200, 200), (400, 350))
"""The cadences of busy and congestion."""


@pytest.mark.parametrize("how", trials.ACCEPTED, ids=lambda how: how.name)
def test_keys_are_heard(how: Dialling) -> None:
    """None of 600 is missed, doubled or mistaken; at the corner of all limits at most 6."""
    assert trials.missed(how) <= trials.most_errors(how)


@pytest.mark.parametrize("how", trials.REFUSED, ids=lambda how: how.name)
def test_what_is_no_key_is_not_heard(how: Dialling) -> None:
    """Not one of 600: 3.5 % off, too short, too quiet."""
    assert trials.digits_in(trials.pressed(how).pcm) == ""


def test_errors_are_counted() -> None:
    """A digit missed, one more and one changed are an error each."""
    assert [errors("12345", heard) for heard in ("12345", "1245", "122345", "12945", "")] == [
        0, 1, 1, 1, 5,
    ]  # fmt: skip


@pytest.mark.parametrize("country", dtmf.PLANS)
def test_keys_at_the_tempo_of_busy_are_no_release(country: str) -> None:
    """Somebody who presses keys in time, the same or different ones, has not hung up."""
    for (on_ms, off_ms), keys in itertools.product(TEMPOS_MS, ("7" * 8, "26591483", "*0#D*0#D")):
        detector = progress.ProgressDetector(dtmf.PLANS[country])
        pcm = dtmf.dtmf(keys, on_ms, off_ms)
        told = [e for at in range(0, len(pcm), 320) for e in detector.feed(pcm[at : at + 320])]
        assert not RELEASE.intersection(event.kind for event in told), (on_ms, keys)
