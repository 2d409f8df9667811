"""A tester mistypes the command, then tries two modems that are no voice modems.

1. The tester types the second number with the emergency number by mistake: one sentence says that
   a field test never dials it, no folder is made, and the lines were not touched.
2. They mistype the seconds of the soak, then make them negative, then the country: one sentence
   each time, with what may be written there; still nothing was begun.
3. They type all of it right: the modems are asked who they are, and the terminal says what is
   missing: the modem has no voice.
4. The result reads "NON SUPERATO", the first reason is that the modem has no voice, and no other
   one hides it; the status is 1.
5. The report says the same on its first page, in red, not in green.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.simulator.exchange import process
from tests.journeys.harness.bench import at_the_bench, told_of_lines, two_modems
from tests.journeys.harness.steps import Journey

pytestmark = [pytest.mark.journey, pytest.mark.system]

START_S = 120.0
MISTAKES = (
    ("--soak abc", "abc"),
    ("--soak -5", "-5"),
    ("--load 0", "--load"),
    ("--country zz", "zz"),
)


def test_two_modems_without_voice_are_never_passed(journey: Journey, tmp_path: Path) -> None:
    """What cannot be is refused before anything begins; what has no voice fails, and says so."""
    folder = tmp_path / "bench"
    with (
        two_modems(folder, "--dialect", "data-only") as lines,
        at_the_bench(journey, folder) as terminal,
    ):
        command = (
            f"LANG=it_IT.UTF-8 ./centralino line field-test {told_of_lines()} --out found --soak 5"
        )

        with journey.step(1):
            said = terminal.run(f"{command} --number-b 112")
            assert "112" in said
            assert len(sentences(said)) == 1, said
            assert terminal.status() == 2
            assert was_untouched(folder, lines)

        with journey.step(2):
            for mistake, word in MISTAKES:
                said = terminal.run(f"{command} {mistake}")
                assert word in said
                assert len(sentences(said)) == 1, said
                assert "Errno" not in said
                assert terminal.status() == 2
                assert was_untouched(folder, lines)

        with journey.step(3):
            terminal.type(command)
            terminal.wait_for("Il modem non ha la voce", START_S)

        with journey.step(4):
            said = terminal.wait_for_prompt(START_S)
            _, _, end = said.partition("Esito: ")
            assert end.startswith("NON SUPERATO"), said
            reasons = [line for line in end.splitlines() if line.startswith("  - ")]
            assert len(reasons) == 1, end
            assert "Il modem non ha la voce: sostituirlo" in reasons[0]
            assert terminal.status() == 1

        with journey.step(5):
            page = (folder / "found" / "report.html").read_text(encoding="utf-8")
            outcome = page.partition('<p class="outcome ')[2]
            assert outcome.startswith('failed">')
            first_page = outcome.partition("<h2>")[0]
            assert "Il modem non ha la voce" in first_page


def sentences(said: str) -> list[str]:
    """Return the lines that say what is wrong; how the command is used, stands before them."""
    return [
        line
        for line in said.splitlines()
        if line and not line.startswith(("Usage", "Try ", "Uso", "Aiuto"))
    ]


def was_untouched(folder: Path, lines: Path) -> bool:
    """Tell whether nothing was begun: no folder, and nobody has ever opened a port."""
    told = process.ask_status(lines)["lines"]
    assert isinstance(told, list)
    return not (folder / "found").exists() and not any(line["off_hook"] for line in told)
