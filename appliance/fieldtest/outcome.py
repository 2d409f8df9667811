"""From what was found to what the command returns: 0 passed, 1 failed, 2 incomplete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hw_tests.findings import Verdict

if TYPE_CHECKING:
    from hw_tests.findings import Run

PASSED, FAILED, INCOMPLETE = range(3)
VERDICTS: Final = (Verdict.PASSED, Verdict.FAILED, Verdict.INCOMPLETE)
"""What each status says."""
ALL_PASSED, SOME_FAILED = 0, 1
"""Statuses of pytest; any other one means that it did not come to its end."""


def status(run: Run, suite: int = ALL_PASSED, *, restored: bool = True) -> int:
    """Return the command's status; what failed says so whatever else went wrong.

    `suite` is pytest's own status: a test that broke before it had a finding is a failure too.
    """
    found = VERDICTS.index(run.verdict)
    if found == FAILED or (found == PASSED and suite == SOME_FAILED):
        return FAILED
    if found == PASSED and suite == ALL_PASSED and restored:
        return PASSED
    return INCOMPLETE
