"""A field test under a real systemd: the units that hold the port are stopped, and serve again."""

from __future__ import annotations

import json

import pytest

from tests.faults.systemd.machine import CALL_CONTROL, GATEWAY, Machine
from tests.fieldtest.small import suite

pytestmark = pytest.mark.system
LINE = "/dev/centralino/line1"
TEST = f"""
def test_it(notes, off_hook):
    'What runs meanwhile.'
    import subprocess
    told = subprocess.run(["systemctl", "is-active", "{CALL_CONTROL}", "{GATEWAY}"],
                          capture_output=True, text=True).stdout.split()
    (notes.folder / "meanwhile").write_text(" ".join(told))
    notes.found(Verdict.FAILED)
    assert False
"""
"""It fails: nothing is left undone then."""


def test_the_units_are_stopped_and_started(machine: Machine) -> None:
    """While the line is measured neither call control nor media gateway runs; then both do, the
    line on hook.
    """
    place = machine.folder / "brought"
    suite(place, TEST)
    said = machine.inside(
        "centralino", "field-test", "--suite", "/opt/brought/suite", "--out", "/opt/brought/out",
        "--line-a", LINE, "--one-line", "--language", "en", check=False,
    )  # fmt: skip
    assert "Result: FAILED" in said, said
    assert (place / "out" / "meanwhile").read_text() == "inactive inactive"
    assert f"{LINE}: the line is on hook." in said, said
    assert f"In service again: centralino-link.socket, {GATEWAY}, {CALL_CONTROL}." in said, said
    machine.wait_until(machine.is_idle, 60.0, "the service was not restored")
    run = json.loads((place / "out" / "findings.json").read_text())
    assert run["findings"][0]["verdict"] == "failed"
