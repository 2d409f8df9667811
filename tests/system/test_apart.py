"""What is kept apart at run time: who has loaded what, and that the exchange is no part of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.errors import TechnicianError
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.helpers.box import Box

pytestmark = pytest.mark.system

REPORTER = """\
import atexit, json, os, sys
def report():
    name = os.path.join({folder!r}, f"{{os.getpid()}}.json")
    with open(name, "w") as file:
        json.dump({{"argv": sys.orig_argv, "modules": sorted(sys.modules)}}, file)
atexit.register(report)
"""
"""A sitecustomize that leaves behind, at each process's end, what it had loaded."""


@dataclass
class Hidden(Box):
    """A box whose exchange cannot be found by anybody: its control socket is moved elsewhere."""

    @property
    def elsewhere(self) -> Path:
        """The folder where the test, and nobody else, finds the exchange's control socket."""
        return self.folder / "elsewhere"

    def start(self, ready: bool = True) -> None:
        """Move the socket away before the daemon starts."""
        self.elsewhere.mkdir()
        (self.folder / "lines" / "control").rename(self.elsewhere / "control")
        super().start(ready)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One process that has ended: its command line and the modules it had loaded."""

    command: str
    modules: frozenset[str]

    def packages(self, *names: str) -> list[str]:
        """Return which of these packages (or anything in them) were loaded."""
        return [
            name
            for name in names
            if any(m == name or m.startswith(name + ".") for m in self.modules)
        ]


def loaded(folder: Path) -> list[Loaded]:
    """Read what the processes left behind."""
    texts = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    return [Loaded(" ".join(text["argv"]), frozenset(text["modules"])) for text in texts]


def test_the_processes_are_apart_and_the_exchange_is_outside(tmp_path: Path) -> None:
    """A call is served with the exchange's control socket out of the daemon's reach: all it has is
    serial ports. After that call the media gateway has loaded neither pyVoIP nor the console nor
    pyserial nor a store; call control neither pyserial nor the exchange nor a test phone.
    """
    site, reports = tmp_path / "site", tmp_path / "reports"
    for folder in (site, reports):
        folder.mkdir()
    (site / "sitecustomize.py").write_text(REPORTER.format(folder=str(reports)))
    with Hidden(tmp_path / "box", environment={"PYTHONPATH": str(site)}) as box:
        with pytest.raises(TechnicianError):
            process.ask_status(box.folder / "lines")
        op1 = box.phone("op1")
        op1.answer_mode("auto", 100)
        plan = CallPlan(caller="0511234567", hang_up_after_ms=1500)
        report = process.place_call(box.elsewhere, 1, plan)
        record = box.last_record(1)
        assert box.stop() == 0
    assert report.answered
    assert record.result is Result.ANSWERED

    found = loaded(reports)
    (gateway,) = (each for each in found if "appliance.media" in each.command)
    (control,) = (each for each in found if "appliance run" in each.command)
    assert len(gateway.packages("appliance.media.switch", "appliance.modem", "appliance.dsp")) == 3
    assert (
        len(control.packages("appliance.calls.switchboard", "pyVoIP", "appliance.sip.service")) == 3
    )
    assert (
        gateway.packages(
            "pyVoIP", "serial", "sqlite3", "gpiozero", "logging.handlers", "appliance.console",
            "appliance.sip.service", "appliance.store", "appliance.voicemail", "appliance.config",
            "appliance.simulator.exchange",
        )
        == []
    )  # fmt: skip
    assert (
        control.packages("serial", "appliance.simulator.exchange", "appliance.simulator.phone")
        == []
    )
