"""A tester measures two healthy lines whose modems' crystals are apart, with an ordinary echo.

1. Two modems are on a line simulator: one's crystal 100 ppm fast, the other's 100 ppm slow, and
   each hears its own sound 12 dB weaker, 3 ms later.
2. The tester starts the test of both lines, with a short soak.
3. The result reads "SUPERATO", and the status is 0: all of it is allowed.
4. The report says what was measured: each crystal's error, the echo, and a noise that is the
   line's, not the crystals'.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hw_tests import findings
from tests.journeys.harness.bench import RUN_S, at_the_bench, told_of_lines, two_modems
from tests.journeys.harness.steps import Journey

pytestmark = pytest.mark.system

PPM = {"A": 100.0, "B": -100.0}
ECHO = ("12", "3")


@pytest.mark.timeout(2 * RUN_S)
def test_lines_that_are_odd_and_allowed_pass(journey: Journey, tmp_path: Path) -> None:
    """No measurement takes the crystals for noise, or the echo for a drift."""
    folder = tmp_path / "bench"
    options = ("--echo", *ECHO, *(word for ppm in PPM.values() for word in ("--ppm", str(ppm))))
    with two_modems(folder, *options), at_the_bench(journey, folder) as terminal:
        with journey.step(1):
            assert terminal.run("ls lines").split() == ["control", "line1", "line2"]

        with journey.step(2):
            terminal.type(
                f"LANG=it_IT.UTF-8 ./centralino line field-test {told_of_lines()} "
                "--soak 10 --load 20 --out found"
            )

        with journey.step(3):
            said = terminal.wait_for_prompt(RUN_S)
            assert "Esito: SUPERATO." in said, said
            assert terminal.status() == 0

        with journey.step(4):
            run = findings.read(folder / "found")
            figures = {
                (found.key, found.line, figure.name): figure.value
                for found in run.findings
                for figure in found.figures
            }
            for line, ppm in PPM.items():
                for way in ("hearing", "playing"):
                    assert figures["drift", line, f"drift, {way}"] == pytest.approx(ppm, abs=15.0)
                echo = figures["echo", line, "echo return loss"]
                # Sound that comes late on a busy machine is no echo: it reads a little too well.
                assert echo == pytest.approx(float(ECHO[0]), abs=2.0)
            for way in ("A>B", "B>A"):
                noise = figures["noise", way, "signal to noise"]
                assert noise is not None
                assert noise > 28.0
