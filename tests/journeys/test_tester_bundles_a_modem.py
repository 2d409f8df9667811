"""A tester makes a bundle of a modem that nobody knows yet.

1. The tester starts the interview at a terminal; the first two steps need nobody.
2. Asked for the line, they press Enter, and wait.
3. Asked to call, they press Enter and call from a mobile. It rings, the box answers; they press
   keys and hang up.
4. The file is complete, holds neither the mobile's number nor the keys, and the line is on hook.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.modem.bundle import from_bytes
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.journeys.harness.bench import at_the_bench, two_modems
from tests.journeys.harness.steps import Journey

pytestmark = pytest.mark.system

NUMBER, KEYS = "3317364529", "736"
STEP_S = 300.0
"""Limit of one step, on a machine four times slower than this one."""
COMMAND = "LANG=it_IT.UTF-8 ./centralino line bundle --port lines/line1 --out modem.json"


@pytest.mark.timeout(6 * STEP_S)
def test_a_modem_is_bundled_in_four_steps(journey: Journey, tmp_path: Path) -> None:
    """Told in words, a call included; one file, with no number in it."""
    folder = tmp_path / "bench"
    with two_modems(folder) as lines, at_the_bench(journey, folder) as terminal:
        with journey.step(1):
            terminal.type(COMMAND)
            said = terminal.wait_for("3/4", STEP_S)
            assert "CX93001" not in said
            assert said.index("1/4") < said.index("2/4")
            terminal.wait_for("s = saltare", STEP_S)

        with journey.step(2):
            terminal.type("")
            terminal.wait_for("4/4", STEP_S)
            terminal.wait_for("s = saltare", STEP_S)

        with journey.step(3):
            terminal.type("")
            terminal.wait_for("Chiamare adesso", STEP_S)
            call = process.start_call(lines, 1, CallPlan(caller=NUMBER))
            call.wait_for("answered", STEP_S)
            terminal.wait_for("s = saltare", STEP_S)
            call.press(KEYS)
            call.press(NUMBER)
            call.hang_up()
            call.wait_for("released", STEP_S)
            terminal.type("")

        with journey.step(4):
            said = terminal.wait_for_prompt(STEP_S)
            assert terminal.status() == 0, said
            assert "è completo" in said
            data = (folder / "modem.json").read_bytes()
            found = from_bytes(data)
            assert found.skipped == ()
            assert [run.action for run in found.streams] == ["+VRX", "+VTX", "+VTR"]
            assert found.calls[0].caller_id == "after"
            assert NUMBER.encode() not in data
            assert NUMBER.encode().hex().encode() not in data
            assert not off_hook(lines)
            call.close()


def off_hook(lines: Path) -> list[object]:
    """Return the lines that are off hook."""
    told = process.ask_status(lines)["lines"]
    assert isinstance(told, list)
    return [line["line"] for line in told if line["off_hook"]]
