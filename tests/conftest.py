"""What every test shares: on the build machine nothing may be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """With CENTRALINO_NO_SKIP=1 a skip is a failure: a package or a right is missing there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CENTRALINO_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"
    return report
