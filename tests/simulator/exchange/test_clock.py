"""The sample clock: exactly 8000 a second, and as wrong as told (v253.md 9.4, 9.5)."""

from __future__ import annotations

import pytest

from appliance.simulator.exchange.audio import SAMPLE_RATE
from tests.simulator.exchange.virtual import Bench


@pytest.mark.parametrize(("ppm", "expected"), [(0, 480_000), (100, 480_048), (-100, 479_952)])
def test_a_minute_has_the_crystals_number_of_samples(ppm: float, expected: int) -> None:
    """Over 60 s the codec runs exactly at its crystal's rate, in ticks of about 80 samples."""
    station = Bench().station
    station.ppm = ppm
    counts = [station.samples_in(0.01) for _ in range(6000)]
    assert sum(counts) == pytest.approx(expected, abs=1)
    assert set(counts) <= {79, 80, 81}


def test_two_lines_drift_apart_by_what_was_said() -> None:
    """At +100 and -100 ppm ten minutes of the same sound differ by 960 samples."""
    fast, slow = Bench(), Bench()
    fast.station.ppm, slow.station.ppm = 100, -100
    got = []
    for bench in (fast, slow):
        bench.talk(stream="+VRX")
        got.append(sum(len(bench.run(1000)) for _ in range(60)))
    assert got[0] - got[1] == pytest.approx(60 * SAMPLE_RATE * 200e-6, abs=2)


def test_received_sound_comes_in_small_regular_chunks() -> None:
    """Every 10 ms brings 80 samples."""
    bench = Bench()
    bench.talk()
    assert {len(bench.run(10)) for _ in range(100)} == {80}
