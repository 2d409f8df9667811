"""The field test: one test a figure, by its key and line; what it needs is measured once."""

from __future__ import annotations

import pytest

from hw_tests.cases import Case
from hw_tests.conftest import outcome
from hw_tests.findings import Verdict
from hw_tests.promises import counts
from hw_tests.run import FOUND, Recorder, reason


def test_field(case: Case, recorder: Recorder, request: pytest.FixtureRequest) -> None:
    """Every figure lies within its limits; what a device cannot do is skipped, never passed."""
    findings = case.of(recorder.findings_of(case.measure))
    request.node.stash[FOUND] = findings
    bad = {finding.verdict for finding in findings} & {Verdict.FAILED, Verdict.INCOMPLETE}
    verdict = outcome({counts(recorder.run, finding) for finding in findings})
    if verdict is Verdict.FAILED or (verdict is Verdict.INCOMPLETE and bad) or not findings:
        pytest.fail(reason(findings) or "nothing was found", pytrace=False)
    if verdict is not Verdict.PASSED:
        pytest.skip(reason(findings))
