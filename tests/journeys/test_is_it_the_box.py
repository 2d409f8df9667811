"""A technician whose line is bad, and whose box is bad, asks which it is; in a terminal.

The box is one of systemd's with the units of the image, its line a simulated one.

1. Callers say that nobody answers. The technician finds the line's cord pulled out of the modem's
   wall socket, does not see it, and types "sudo box selftest": "L'apparecchio è in ordine:
   controllare la linea, il modem e il cavo tra i due", status 0, while the service goes on.
2. They type "centralino status": the result stands there with its date.
3. Another day somebody has put a folder back from a copy as root, and messages are lost. The same
   command says "L'apparecchio non è in ordine", names the folder and what to type, status 1; what
   could not be tried waits for it.
4. They type what stands there, and try again: "L'apparecchio è in ordine", status 0.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.simulator.exchange import process
from tests.faults.systemd import programme
from tests.faults.systemd.machine import CALL_CONTROL, Machine, missing
from tests.journeys.harness.steps import Journey

# Beside busy tests the box is not well, and is told so.
pytestmark = [pytest.mark.journey, pytest.mark.system, pytest.mark.alone]

TYPED_S = 400.0
"""The command takes half a minute; on a busy machine minutes."""
WELL = "L'apparecchio è in ordine: controllare la linea, il modem e il cavo tra i due."
ILL = "L'apparecchio non è in ordine: "
FOLDER = "/var/lib/centralino/voicemail"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A box with one line."""
    if lacks := missing():
        pytest.skip(f"needs {lacks}")
    (tmp_path / "installed").mkdir()
    installed = programme.install(tmp_path / "installed")
    with Machine(tmp_path / "box", lines=1, counters=(), programme=installed) as machine:
        yield machine


def typed(box: Machine, line: str) -> tuple[int, str]:
    """Type a line at the box's shell; returns its status and what stands there then."""
    enter = ["nsenter", "-t", str(box.pid), "-m", "-p", "-u", "-i"]
    done = subprocess.run(
        [*enter, "sh", "-c", line], capture_output=True, text=True, check=False, timeout=TYPED_S
    )
    # What it is doing meanwhile goes to the other stream.
    return done.returncode, done.stdout or done.stderr


def test_is_it_the_box(box: Machine, journey: Journey) -> None:
    """See the sentences above."""
    started = box.shown(CALL_CONTROL, "ActiveEnterTimestamp")
    with journey.step(1):
        process.set_line(box.folder / "lines", 1, cut=True)
        status, said = typed(box, "centralino box selftest --language it")
        assert (status, said.strip().splitlines()[-1]) == (0, WELL), said
        assert box.shown(CALL_CONTROL, "ActiveEnterTimestamp") == started
    with journey.step(2):
        _, said = typed(box, "centralino status --language it")
        assert re.search(r"Prova dell'apparecchio, .*, \d\d:\d\d: " + re.escape(WELL), said), said
    with journey.step(3):
        typed(box, f"mkdir -p {FOLDER} && chown root: {FOLDER} && chmod 700 {FOLDER}")
        status, said = typed(box, "centralino box selftest --language it")
        last = said.strip().splitlines()[-1]
        assert (status, last.startswith(ILL)) == (1, True), said
        remedy = last.rpartition("sudo ")[2]
        assert remedy == f"chown -R centralino: {FOLDER}"
        assert re.search(r"non misurato .*prima va risolto: file e proprietari", said), said
    with journey.step(4):
        typed(box, remedy)
        status, said = typed(box, "centralino box selftest --language it")
        assert (status, said.strip().splitlines()[-1]) == (0, WELL), said
