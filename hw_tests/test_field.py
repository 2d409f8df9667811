"""The field test: one test a measurement, made once, in the order of the table."""

from __future__ import annotations

import pytest

from hw_tests.conftest import outcome
from hw_tests.field import Measure
from hw_tests.findings import Verdict
from hw_tests.run import FOUND, Recorder, reason


def test_field(measure: Measure, recorder: Recorder, request: pytest.FixtureRequest) -> None:
    """Every figure lies within its limits; what a device cannot do is skipped, never passed."""
    findings = recorder.make(measure)
    request.node.stash[FOUND] = findings
    verdict = outcome({finding.verdict for finding in findings})
    if verdict in {Verdict.FAILED, Verdict.INCOMPLETE}:
        pytest.fail(reason(findings), pytrace=False)
    if verdict is not Verdict.PASSED:
        pytest.skip(reason(findings))
