"""What both sides say at once: made-up lines, each with one thing wrong, are measured as that."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.dsp import g711
from appliance.dsp.wav import SAMPLE_RATE, Law
from appliance.simulator.exchange.one_way import one_way
from hw_tests import content, signals
from hw_tests.content import SLOT, said
from hw_tests.signals import Wave

SLOTS = content.slots_in(27.0)
LATE = 1700


def arrives(far: Wave, near: Wave, echo: float = 0.0) -> Wave:
    """Give what A hears of B's sound, later and with its own echo."""
    heard = np.zeros(LATE + len(far) + SLOT)
    heard[LATE : LATE + len(far)] += 0.5 * far
    heard[1000 : 1000 + len(near)] += echo * near
    return heard


def measured(far: Wave, echo: float = 0.3) -> content.Content:
    """Measure B's sound at A."""
    found = content.heard(arrives(far, said("A", SLOTS), echo), "B", SLOTS)
    assert found is not None
    return found


def at(seconds: float) -> int:
    """Give a sample's place."""
    return round(seconds * SAMPLE_RATE)


def test_a_good_line_has_nothing() -> None:
    """Half as loud as it was sent, beside an echo; nothing else."""
    found = measured(said("B", SLOTS))
    assert found.level_dbm0 == pytest.approx(content.LOUD_DBM0 - 6.0, abs=0.2)
    assert found.both_db == pytest.approx(0.0, abs=0.5)
    assert found.quiet_db == pytest.approx(0.0, abs=0.5)
    assert found.swing_db < 1.5
    assert (found.drop_outs, found.slips, found.noise_dbm0) == ((), (), signals.QUIETEST_DBM0)


def test_a_suppressor_weakens_what_is_said_at_once() -> None:
    """By as many dB as it does."""
    far = said("B", SLOTS).copy()
    own = np.abs(said("A", SLOTS)) > 0
    for n in range(SLOTS):
        if own[n * SLOT + 100]:
            far[n * SLOT : (n + 1) * SLOT] *= 0.1
    assert measured(far).both_db == pytest.approx(-20.0, abs=1.0)


def test_a_gate_takes_the_weak_away() -> None:
    """And leaves what is loud."""
    far = said("B", SLOTS).copy()
    for n in range(SLOTS):
        piece = far[n * SLOT : (n + 1) * SLOT]
        if signals.level(piece) < content.QUIET_DBM0 + 3:
            piece[:] = 0
    found = measured(far)
    assert found.quiet_db < -20.0
    assert found.both_db == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("dbm0", "is_cut"), [(-34, True), (-38, True), (-48, False)])
def test_a_gate_is_found_by_its_threshold(dbm0: int, is_cut: bool) -> None:
    """The simulator's: it holds on for 100 ms, so that weak sound at its threshold passes whole."""
    way, size = one_way("hears", {"gate": dbm0}), 160
    far = g711.encode(signals.pcm(said("B", SLOTS)), Law.ULAW)
    silence = b"\xff" * size
    passed = b"".join(way.mix(far[n : n + size], silence) for n in range(0, len(far), size))
    assert (measured(signals.wave(g711.decode(passed, Law.ULAW))).quiet_db < -6.0) is is_cut


@pytest.mark.parametrize("loss_db", [0.0, 9.0])
def test_coarse_sound_is_no_gate(loss_db: float) -> None:
    """What 8-bit linear samples round away is not looked for in them."""
    quiet = content.quiet_for([Law.ULAW, Law.LINEAR8])
    coarse = g711.decode(
        g711.encode(signals.pcm(said("B", SLOTS, quiet)), Law.LINEAR8), Law.LINEAR8
    )
    weaker = signals.pcm(signals.wave(coarse) * 10 ** (-loss_db / 20))
    far = signals.wave(g711.decode(g711.encode(weaker, Law.LINEAR8), Law.LINEAR8))
    found = content.heard(arrives(far, said("A", SLOTS)), "B", SLOTS, quiet)
    assert found is not None
    assert found.quiet_db > -6.0


def test_drop_outs_are_counted_and_placed() -> None:
    """One of 200 ms, where both speak."""
    far = said("B", SLOTS).copy()
    far[at(10.1) : at(10.3)] = 0
    (when,) = measured(far).drop_outs
    assert when == pytest.approx(10.1, abs=0.06)


def test_a_slip_is_a_jump_and_no_drop_out() -> None:
    """Ten milliseconds are lost in the middle, once."""
    far = said("B", SLOTS)
    found = measured(np.concatenate((far[: at(11.9)], far[at(11.91) :], np.zeros(at(0.01)))))
    ((when, ms),) = found.slips
    assert when == pytest.approx(12.0, abs=0.6)
    assert ms == pytest.approx(-10.0, abs=0.3)
    assert found.drop_outs == ()


@pytest.mark.parametrize("ppm", [-200.0, 60.0, 200.0])
def test_two_crystals_are_neither_slip_nor_swing(ppm: float) -> None:
    """What one plays too fast the other hears too high."""
    far = content._stretched(said("B", SLOTS), ppm * 1e-6)
    found = measured(far)
    assert (found.slips, found.drop_outs) == ((), ())
    assert found.swing_db < 1.5
    assert found.level_dbm0 == pytest.approx(content.LOUD_DBM0 - 6.0, abs=0.7)


def test_noise_between_words_and_hum_are_told() -> None:
    """The loudest of the silent slots counts; hum is known by its harmonics."""
    part = arrives(said("B", SLOTS), said("A", SLOTS))
    times = np.arange(len(part)) / SAMPLE_RATE
    hum = 200 * np.sin(2 * np.pi * 50 * times) + 150 * np.sin(2 * np.pi * 150 * times)
    hums = content.heard(part + hum, "B", SLOTS)
    hisses = content.heard(part + np.random.default_rng(1).normal(0, 150, len(part)), "B", SLOTS)
    assert hums is not None
    assert hisses is not None
    assert (hums.hums, hisses.hums) == (True, False)
    assert hisses.noise_dbm0 == pytest.approx(signals.level(np.full(9, 150.0)), abs=1.0)


def test_silence_is_no_content() -> None:
    """Nothing has come: nothing is told of it."""
    assert content.heard(np.zeros(SLOTS * SLOT), "B", SLOTS) is None


@pytest.mark.parametrize("begin_s", [n * 0.5 for n in range(24)])
@pytest.mark.parametrize("is_beep", [True, False])
def test_noise_that_comes_and_goes_is_found_whenever_it_comes(
    begin_s: float, is_beep: bool
) -> None:
    """A beep of -17 dBm0 or a burst of -25 dBm0, 0.4 s every 12 s, in each of its phases."""
    part = arrives(said("B", SLOTS), said("A", SLOTS), 0.3)
    times = np.arange(len(part)) / SAMPLE_RATE
    tone = 10 ** (8 / 20) * np.sqrt(2) * np.sin(2 * np.pi * 620 * times)
    noise = tone if is_beep else np.random.default_rng(2).normal(0, 1, len(part))
    noise *= 10 ** ((-25 - signals.level(np.ones(9))) / 20)
    noise[(times - begin_s) % 12.0 > 0.4] = 0
    found = content.heard(part + noise, "B", SLOTS)
    assert found is not None
    assert found.noise_dbm0 > -40.0
    assert found.noise_dbm0 - found.least_dbm0 > 6.0


@pytest.mark.parametrize("name", ["A", "B"])
@pytest.mark.parametrize("late_ms", [110, 200, 300, 420, 450, 500, 550, 600, 800])
def test_a_long_way_is_no_noise(name: str, late_ms: int) -> None:
    """However late the other side's words come, they are not taken for noise between them."""
    far, near = ("A", "B") if name == "B" else ("B", "A")
    late = late_ms * SAMPLE_RATE // 1000
    part = np.zeros(late + (SLOTS + 1) * SLOT)
    part[late : late + SLOTS * SLOT] += 0.5 * said(far, SLOTS)
    part[800 : 800 + SLOTS * SLOT] += 0.2 * said(near, SLOTS)
    found = content.heard(part, far, SLOTS)
    assert found is not None
    assert found.noise_dbm0 < -60.0
    noisy = content.heard(part + np.random.default_rng(1).normal(0, 150, len(part)), far, SLOTS)
    assert noisy is not None
    assert noisy.noise_dbm0 == pytest.approx(signals.level(np.full(9, 150.0)), abs=1.5)
