"""A tester alone with one line, who skips whatever a person is asked for.

1. The tester starts the test of one line, at a terminal.
2. Asked to call the line, to unplug the modem, to look at the LEDs and press the button, they type
   `k` every time.
3. The result reads "INCOMPLETO", never "SUPERATO": no call was made. It names what was skipped.
4. The status is 2, and the report's box is not green.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.harness.bench import RUN_S, at_the_bench, two_modems
from tests.journeys.harness.steps import Journey
from tests.journeys.harness.terminal import Terminal

pytestmark = pytest.mark.system

QUESTION = "k = saltare"
END = "Esito: "


@pytest.mark.timeout(2 * RUN_S)
def test_steps_that_are_skipped_are_not_passed(journey: Journey, tmp_path: Path) -> None:
    """A line that nobody has called was not tested."""
    folder = tmp_path / "bench"
    with two_modems(folder), at_the_bench(journey, folder) as terminal:
        with journey.step(1):
            command = (
                "LANG=it_IT.UTF-8 ./centralino line field-test --line-a lines/line1 "
                "--one-line --out found"
            )
            terminal.type(command)

        with journey.step(2):
            questions = skip_everything(terminal)
            assert questions >= 4

        with journey.step(3):
            said = terminal.wait_for_prompt(RUN_S)
            outcome = said.partition(END)[2] or said
            assert outcome.startswith("INCOMPLETO"), said
            assert "Chiamata da un cellulare: squilli" in outcome
            assert "Saltato: nessuno l'ha fatto." in outcome
            assert not re.search(r"\bSUPERATO", outcome)

        with journey.step(4):
            assert terminal.status() == 2
            page = (folder / "found" / "report.html").read_text(encoding="utf-8")
            assert '<p class="outcome incomplete">' in page


def skip_everything(terminal: Terminal) -> int:
    """Type `k` at each question until the result is there; returns how many there were."""
    questions = 0
    while True:
        said = terminal.wait_for_either(QUESTION, END, RUN_S)
        if END in said:
            return questions
        terminal.type("k")
        questions += 1
