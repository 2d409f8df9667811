"""Limits that no knob of the exchange breaks, on made-up measurements; the rulers themselves."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from appliance.dsp.wav import SAMPLE_RATE
from appliance.modem.probe import DuplexVerdict as ProbeVerdict
from appliance.modem.probe import ProbeFinding as Probed
from appliance.modem.probe import proven
from hw_tests import signals, sweep
from hw_tests.called import Rung
from hw_tests.field import Field
from hw_tests.findings import Verdict
from hw_tests.measures import calls, identity, load, sound, swept
from tests.hw_tests.virtual import Virtual


def parts(tone: signals.Wave) -> sound.Parts:
    """Give what was heard: a tone, and silence else."""
    return sound.Parts(tone, signals.rest(0.4), ())


@pytest.mark.parametrize(
    ("drop_db", "verdict"), [(0.0, "passed"), (2.0, "passed"), (4.0, "failed")]
)
def test_sound_that_swings_fails(drop_db: float, verdict: str) -> None:
    """A level within its limits, and not steady."""
    tone = signals.tone(sound.TONE_HZ, -12.0, 0.9)
    tone[len(tone) // 2 :] *= 10 ** (-drop_db / 20)
    assert sound.level("A>B", parts(tone[400:-400]), ()).verdict == verdict


@pytest.mark.parametrize(("first_s", "verdict"), [(3.0, "passed"), (15.0, "failed")])
def test_a_call_that_takes_long_to_arrive_fails(
    first_s: float, verdict: str, tmp_path: Path
) -> None:
    """The first ring counts from the end of dialling."""
    rung = Rung(0.0, (first_s, first_s + 5.0), None, first_s + 5.3, first_s + 5.4)
    assert calls.ring(Field(Virtual(), tmp_path), "A>B", rung).verdict == verdict


@pytest.mark.parametrize(
    ("heard", "sent", "underruns", "verdict"),
    [(8000, 8000, 1, "passed"), (7000, 8000, 0, "failed"), (8000, 8900, 0, "failed"),
     (8000, 8000, 9, "failed")],
)  # fmt: skip
def test_a_duplex_modem_keeps_its_rates(
    heard: int, sent: int, underruns: int, verdict: str
) -> None:
    """Proven duplex, its rates and its buffers have limits all the same."""
    told = proven(heard, sent)
    probed = Probed(ProbeVerdict.DUPLEX, told, "X", heard, sent, underruns, 0, "DLE ^")
    assert identity.duplex_of("A", probed).verdict == verdict


def test_a_modem_in_trouble_has_failed() -> None:
    """No answer is a failure, not something that the device cannot do."""
    told = proven(0, 0)
    found = identity.duplex_of("A", Probed(ProbeVerdict.NO_ANSWER, told))
    assert found.verdict is Verdict.FAILED


@pytest.mark.parametrize("dbm0", [-3.0, -20.0, -45.0])
@pytest.mark.parametrize("hz", [300.0, 1004.0, 3400.0])
def test_levels_and_frequencies_are_measured_true(dbm0: float, hz: float) -> None:
    """A tone of a known level and frequency is found as that, amid noise 20 dB below it."""
    chance = np.random.default_rng(7)
    tone = signals.tone(hz, dbm0, 1.0)[400:-400]
    noise = chance.normal(0, 100, len(tone))
    noise *= 10 ** ((dbm0 - 20 - signals.level(noise)) / 20)
    fitted = signals.sine_in(tone + noise, hz)
    assert fitted.dbm0 == pytest.approx(dbm0, abs=0.1)
    assert fitted.snr_db == pytest.approx(20.0, abs=0.3)
    assert signals.level(tone) == pytest.approx(dbm0, abs=0.05)
    assert signals.frequency(tone + noise) == pytest.approx(hz, abs=0.5)


@pytest.mark.parametrize("at", [0, 1234, 7000])
def test_the_marker_is_found_where_it_is(at: int) -> None:
    """To the sample, 40 dB below full scale and in noise; nothing is found in noise alone."""
    chance = np.random.default_rng(3)
    noise = chance.normal(0, 60, 12_000)
    heard = noise.copy()
    heard[at : at + len(signals.marker())] += signals.marker() * 0.1
    found = signals.find(heard)
    assert found is not None
    assert found.at == at
    assert signals.find(noise) is None
    assert signals.find(signals.tone(425.0, -10.0, 1.0)) is None
    assert signals.find(np.zeros(100)) is None


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 40.0, 300.0])
def test_drift_is_measured_through_late_deliveries(ppm: float) -> None:
    """Half of the pieces come up to 50 ms late; the crystal is told to 15 ppm all the same."""
    chance = random.Random(5)
    arrivals = []
    for n in range(1, 2001):
        total = n * 80
        true = 100.0 + total / (SAMPLE_RATE * (1 + ppm * 1e-6))
        late = chance.choice((0.0, chance.uniform(0, 0.05)))
        arrivals.append((total, true + late))
    measured = signals.drift_ppm(arrivals)
    assert measured == pytest.approx(ppm, abs=15.0)
    assert signals.drift_ppm(arrivals[:200]) is None
    assert signals.drift_ppm([]) is None


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 40.0, 300.0])
def test_a_pitch_is_measured_through_noise_and_a_lost_sample(ppm: float) -> None:
    """By 1.5 s of a tone, amid speech before and silence after it; no tone, no figure."""
    chance = np.random.default_rng(9)
    tone = signals.tone(1004.0 * (1 + ppm * 1e-6), -12.0, 1.5)
    heard = np.concatenate((chance.normal(0, 2000, 5000), np.delete(tone, 7000), np.zeros(3000)))
    heard += chance.normal(0, 40, len(heard))
    assert signals.pitch_ppm(heard, 1004.0, 1404.0) == pytest.approx(ppm, abs=5.0)
    assert signals.pitch_ppm(heard, 1404.0, 1004.0) is None
    assert signals.pitch_ppm(heard[:5000], 1004.0, 1404.0) is None


@pytest.mark.parametrize("echo_db", [12.0, 0.0, -6.0])
def test_a_pitch_is_measured_beside_one_s_own_echo(echo_db: float) -> None:
    """The listener's own tone comes back, fainter than the far one or louder: told apart."""
    far = signals.tone(1404.0 * (1 + 60e-6), -18.0, 1.5)
    heard = far + signals.tone(1004.0, -18.0 - echo_db, 1.5)
    assert signals.pitch_ppm(heard, 1404.0, 1004.0) == pytest.approx(60.0, abs=5.0)


@pytest.mark.parametrize("ppm", [0.0, 20.0, -40.0, 100.0, -200.0, 400.0])
@pytest.mark.parametrize("noise_dbm0", [-30.0, -50.0])
def test_a_tone_s_noise_is_noise_and_not_its_pitch(ppm: float, noise_dbm0: float) -> None:
    """Level and noise of a tone are true whatever two crystals have made of its pitch."""
    noise = np.random.default_rng(4).normal(0, 100, SAMPLE_RATE)[400:-400]
    noise *= 10 ** ((noise_dbm0 - signals.level(noise)) / 20)
    heard = signals.tone(1004.0 * (1 + ppm * 1e-6), -10.0, 1.0)[400:-400] + noise
    (found,) = signals.tones_in(heard, 1004.0)
    assert found.dbm0 == pytest.approx(-10.0, abs=0.1)
    assert found.rest_dbm0 == pytest.approx(noise_dbm0, abs=0.3)
    assert found.hz == pytest.approx(1004.0 * (1 + ppm * 1e-6), abs=0.02)


def test_a_tone_of_another_frequency_is_no_pitch() -> None:
    """What is whole Hz off was not sent so: all of it counts as noise, and silence too."""
    (found,) = signals.tones_in(signals.tone(1009.0, -10.0, 1.0), 1004.0)
    assert found.snr_db < 3.0
    (found,) = signals.tones_in(signals.rest(1.0), 1004.0)
    assert found.dbm0 == signals.QUIETEST_DBM0


def test_two_crystals_are_told_apart_hearing_and_playing(tmp_path: Path) -> None:
    """Each modem's own error is its own, whatever the other's is."""
    world = Virtual()
    world.turn("A", ppm=80)
    world.turn("B", ppm=-60)
    place = Field(world, tmp_path, load_s=20.0)
    drifts = {each.line: each.figures for each in load.load(place) if each.key == "drift"}
    for name, ppm in (("A", 80.0), ("B", -60.0)):
        assert [figure.name for figure in drifts[name]] == ["drift, hearing", "drift, playing"]
        assert [figure.value for figure in drifts[name]] == pytest.approx([ppm, ppm], abs=12.0)


def test_drawings_have_as_many_points_as_places() -> None:
    """Levels and spectrum come as x and y of one length; silence has a level."""
    tone = signals.tone(1000.0, -10.0, 1.0)
    for x, y in (signals.levels(tone), signals.spectrum(tone)):
        assert len(x) == len(y) > 10
    hz, dbm0 = signals.spectrum(tone)
    assert hz[dbm0.index(max(dbm0))] == 1000.0
    assert max(dbm0) == pytest.approx(-10.0, abs=1.0)
    assert signals.spectrum(np.zeros(10)) == ((), ())
    assert signals.level(np.zeros(10)) == signals.QUIETEST_DBM0
    assert signals.frequency(np.zeros(8000)) == 0.0


@pytest.mark.parametrize(("number", "share"), [(2, 0.04), (3, 0.02)])
def test_a_sweep_tells_response_and_harmonics_apart(number: int, share: float) -> None:
    """A gain, a harmonic of a known strength and noise are each found as what they are."""
    sent = np.concatenate((sweep.sweep(), signals.rest(0.1)))
    peak = np.max(np.abs(sent))
    bent = {2: 2 * sent**2 / peak, 3: 4 * sent**3 / peak**2 - 3 * sent}[number]
    noise = np.random.default_rng(2).normal(0, 1, len(sent))
    noise *= 10 ** ((-50 - signals.level(noise)) / 20)
    found = sweep.heard((sent + share * bent) * 0.5 + noise)
    assert found is not None
    assert found.gain_db == pytest.approx([-6.0] * len(found.gain_db), abs=0.6)
    assert found.harmonics[number] == pytest.approx(-20 * np.log10(share), abs=0.5)
    assert all(db > 45 for other, db in found.harmonics.items() if other != number)
    assert found.distortion == pytest.approx(100 * share, abs=0.4)
    assert found.snr_db == pytest.approx(-16.0 + 50.0, abs=2.0)
    assert sweep.heard(signals.rest(1.0)) is None


def test_a_sweep_sees_a_hole_between_the_stepped_tones() -> None:
    """What lies between two of the stepped tones has its limit too."""
    sent = np.concatenate((sweep.sweep(), signals.rest(0.1)))
    spectrum = np.fft.rfft(sent)
    hz = np.arange(len(spectrum)) * SAMPLE_RATE / len(sent)
    holed = np.fft.irfft(spectrum * (1 - 0.9 * np.exp(-(((hz - 1200) / 80) ** 2))), len(sent))
    assert swept.judge("A>B", _measured(sent)).verdict is Verdict.PASSED
    assert swept.judge("A>B", _measured(holed)).verdict is Verdict.FAILED


def _measured(part: signals.Wave) -> sweep.Swept:
    measured = sweep.heard(part)
    assert measured is not None
    return measured
