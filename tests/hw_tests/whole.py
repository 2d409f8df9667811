"""Whole runs that were never made: each finding that a set-up expects, as one wants it."""

from __future__ import annotations

from dataclasses import replace

from hw_tests.findings import Figure, Finding, Limit, Run, Unit, Use, Verdict
from hw_tests.measures.table import measures_for
from hw_tests.promises import ONE_LINE
from hw_tests.titles import TITLES
from tests.helpers.words import pair

WHY = pair("Perché sì.", "Because.")


def keys_of(set_up: str) -> tuple[str, ...]:
    """Give the keys of what is measured in a set-up."""
    return tuple(key for measure in measures_for(set_up) for key in measure.keys)


def finding(key: str, line: str, verdict: Verdict = Verdict.PASSED) -> Finding:
    """Make a finding of one figure, within its limit where it has passed, or of a reason."""
    if verdict is Verdict.PASSED:
        return Finding(key, line, TITLES[key], verdict, (Figure("x", 1.0, "s", Limit(None, 2.0)),))
    return Finding(key, line, TITLES[key], verdict, remark=WHY)


def run(set_up: str = "two lines", *uses: Use, **verdicts: Verdict) -> Run:
    """Make a run in which all has passed on each line, but some keys (dots written as __)."""
    lines = "A" if set_up == ONE_LINE else "AB"
    told = {key.replace("__", "."): verdict for key, verdict in verdicts.items()}
    keys = keys_of(set_up)
    assert set(told) <= set(keys), set(told) - set(keys)
    return Run(
        started="2026-11-26T10:00:00+01:00", ended="2026-11-26T11:00:00+01:00", set_up=set_up,
        units=tuple(Unit(line, f"/dev/{line}") for line in lines),
        findings=tuple(
            finding(key, line, told.get(key, Verdict.PASSED)) for key in keys for line in lines
        ),
        expected=keys,
        uses=uses,
    )  # fmt: skip


def without(made: Run, *keys: str) -> Run:
    """Give a run that has no finding of some keys."""
    return replace(made, findings=tuple(each for each in made.findings if each.key not in keys))
