"""The field test finds every broken line of a set by its cause, and fails none that is allowed.

Each line is measured whole, on a virtual clock: the first of each set in `make test`, some more in
`make check`, all of them in `make field-sets` and `make long`. The table of results is shown at the
end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.fieldtest.person import reasons_of_run
from hw_tests.findings import Run, Verdict
from tests.helpers.figures import Figures
from tests.hw_tests.sets import HEALTHY, Broken, Odd, broken, measured

ALL = broken()
QUICK, QUICK_HEALTHY = 13, 7
"""One in so many of the broken lines, and of the healthy ones, is in `make check`."""
SHOWN = 150


def picked(cases: Sequence[Broken | Odd], each: int) -> list[object]:
    """Give the cases as parameters; all but one in so many are long, all but the first `whole`."""
    return [
        pytest.param(case, id=case.name, marks=_marks(number, each))
        for number, case in enumerate(cases)
    ]


def _marks(number: int, each: int) -> tuple[pytest.MarkDecorator, ...]:
    if number % each:
        return (pytest.mark.long,)
    return (pytest.mark.whole,) if number else ()


def first_reason(run: Run) -> str:
    """Give the first reason why a run has not passed."""
    return next((why.text("en") for why in reasons_of_run(run)), "-")


@pytest.mark.parametrize("case", picked(ALL, QUICK))
def test_a_broken_line_fails_by_its_cause(case: Broken, tmp_path: Path, figures: Figures) -> None:
    """Whatever else the defect spoils, the first reason names it."""
    knobs = {case.line: case.knobs}
    run = measured(tmp_path, knobs.get("A", {}), knobs.get("B", {}), case.dialect, at_s=case.at_s)
    first = first_reason(run)
    figures.say(f"broken line, {case.name}: {run.verdict}: {first[:SHOWN]}")
    assert run.verdict is Verdict.FAILED
    assert any(words in first for words in case.says), reasons_of_run(run)


@pytest.mark.parametrize("case", picked(HEALTHY, QUICK_HEALTHY))
def test_a_healthy_line_does_not_fail(case: Odd, tmp_path: Path, figures: Figures) -> None:
    """However odd it is: what deserves attention is told, and passes."""
    run = measured(tmp_path, case.a, case.b, case.dialect, case.country)
    attention = sorted(
        {figure.name for each in run.findings for figure in each.figures if figure.needs_attention}
    )
    figures.say(f"healthy line, {case.name}: {run.verdict}; attention: {', '.join(attention)}")
    assert run.verdict is Verdict.PASSED, reasons_of_run(run)


def test_the_sets_are_as_large_as_was_promised() -> None:
    """Each case has a name of its own; defects lie on either line, both ways, constant or not."""
    names = [*(case.name for case in ALL), *(case.name for case in HEALTHY)]
    assert len(names) == len(set(names))
    assert len(ALL) >= 80
    assert len(HEALTHY) >= 40
    assert {case.line for case in ALL} == {"A", "B"}
    assert sum("at times" in case.name for case in ALL) >= 20
