"""Writes the report of a run into its folder: HTML, the same as PDF, JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.fieldtest import page
from appliance.fieldtest.junit import junit
from appliance.files import READABLE, atomic_write
from appliance.paper import engine
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from hw_tests import findings

if TYPE_CHECKING:
    from pathlib import Path

HTML, PDF, JUNIT = "report.html", "report.pdf", "junit.xml"


def write(folder: Path) -> findings.Run:
    """Write the report beside the findings of `folder`, whose run is returned.

    Raises TechnicianError where there are no findings, or none that can be read.
    """
    try:
        raw = (folder / findings.FILE).read_bytes()
        run = findings.loads(raw.decode("utf-8"))
    except (OSError, ValueError) as error:
        why = words_of(error).en
        raise Refused(
            f"di {folder} non si può fare un rapporto: {why}",
            f"no report of {folder} can be made: {why}",
        ) from error
    atomic_write(folder / JUNIT, junit(run), mode=READABLE)
    atomic_write(folder / HTML, page.page(run, raw), mode=READABLE)
    engine.write(page.page(run, raw, on_paper=True), folder / PDF)
    return run
