"""A tester rehearses on the software exchange with modems that cannot hear while they speak.

1. The tester starts the rehearsal with the half duplex modem.
2. While it runs, the test of sound both ways at once is shown as not passed, with the reason.
3. The result reads "NON SUPERATO": whoever calls could not talk with a phone. The first reason is
   half duplex; what follows from it is not told as a fault of its own before it.
4. The status is 1; the report's box is not green.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.harness.bench import RUN_S, at_the_bench
from tests.journeys.harness.steps import Journey

pytestmark = pytest.mark.system


@pytest.mark.timeout(2 * RUN_S)
def test_half_duplex_is_not_passed(journey: Journey, tmp_path: Path) -> None:
    """A modem that every measure of its own passes is no modem for conversations."""
    folder = tmp_path / "bench"
    with at_the_bench(journey, folder) as terminal:
        with journey.step(1):
            terminal.type(
                "LANG=it_IT.UTF-8 ./centralino line field-test --dialect usr5637 --out found"
            )

        with journey.step(2):
            said = terminal.wait_for("Suono nei due sensi insieme (+VTR)", RUN_S)
            said = terminal.wait_for("è half duplex", RUN_S)
            assert "NON superata" in said

        with journey.step(3):
            _, _, end = terminal.wait_for_prompt(RUN_S).partition("Esito: ")
            assert end.startswith("NON SUPERATO"), end
            reasons = [line for line in end.splitlines() if line.startswith("  - ")]
            assert "half duplex" in reasons[0], end
            assert all("half duplex" in reason for reason in reasons), end

        with journey.step(4):
            assert terminal.status() == 1
            page = (folder / "found" / "report.html").read_text(encoding="utf-8")
            assert '<p class="outcome failed">' in page
