"""A field test never dials for help."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.policy.numbering import PLANS
from hw_tests.field import Field
from hw_tests.guard import ForbiddenError, safe
from tests.hw_tests.virtual import Virtual

FORMS = ("{}", "{}1", "*67#{}", " {} ", "1-{}"[2:], "{}#")


@pytest.mark.parametrize("country", sorted(PLANS))
@pytest.mark.parametrize("form", FORMS)
def test_no_emergency_number_is_dialled(country: str, form: str) -> None:
    """In no form, and 112 in no country."""
    for number in (*PLANS[country].real, "112"):
        with pytest.raises(ForbiddenError, match="never dials"):
            safe(form.format(number), country)


@pytest.mark.parametrize("digits", ["", "051234501", "0902", "201", "3471234567"])
def test_other_numbers_are_dialled_as_they_are(digits: str) -> None:
    """The guard changes nothing of what may pass."""
    assert safe(digits, "it") == digits


def test_the_bench_has_the_guard_before_its_modems(tmp_path: Path) -> None:
    """Whoever asks the bench to dial is refused before a line is seized."""
    world = Virtual()
    bench = Field(world, tmp_path).ready
    with pytest.raises(ForbiddenError):
        bench.dial_all({"A": "051234502", "B": "1,1,3"})
    bench.run(5.0)
    assert [o.station.line.last_dialled for o in world.outlets.values()] == ["", ""]
