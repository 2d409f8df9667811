"""Correlators: energies and phases are those of the sines that were put in."""

from __future__ import annotations

import math

import pytest

from appliance.dsp import dtmf

WINDOW = dtmf.mix(((425.0, -10.0), (1209.0, -20.0)), 160)


def test_energy_is_relative_to_a_full_scale_sine() -> None:
    """A window's energy is the sum of its tones'; a reference has 1."""
    parts = dtmf.energy_at(-10.0) + dtmf.energy_at(-20.0)
    assert dtmf.energy(WINDOW) == pytest.approx(parts, rel=0.05)
    assert dtmf.energy(dtmf.wave(425.0)[0]) == pytest.approx(1.0, rel=0.01)


def test_phase_is_that_of_a_cosine() -> None:
    """`mix` makes sines from phase 0, a quarter turn behind a cosine."""
    found = dtmf.phase(dtmf.chord((400,), 20), dtmf.wave(400.0))
    assert found == pytest.approx(-math.pi / 2, abs=0.01)


def test_a_basis_holds_its_tones_and_those_between() -> None:
    """A tone between two neighbours is explained and can be taken out; another one is not."""
    axes = dtmf.basis((415.0, 435.0))
    whole = dtmf.energy(WINDOW)
    assert dtmf.explained(WINDOW, axes) == pytest.approx(0.9 * whole, rel=0.03)
    rest, taken = dtmf.without(WINDOW, axes)
    assert taken + dtmf.energy(rest) == pytest.approx(whole, rel=0.01)
    assert dtmf.power(rest, dtmf.wave(425.0)) < 0.001 * whole


def test_what_depends_on_the_rest_is_left_out_of_a_basis() -> None:
    """The same frequency twice adds nothing, and no division by nearly nothing."""
    assert len(dtmf.basis((425.0, 425.0))) == len(dtmf.basis((425.0,))) == 2
