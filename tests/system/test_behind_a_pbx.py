"""B2: a half-duplex line behind a PBX, through all processes: the caller ends at an extension."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import Result
from appliance.policy.routing import Destination
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan
from tests.helpers.announcements import brief
from tests.helpers.box import Box

pytestmark = pytest.mark.system

ACCEPTS = {"outcome": "answer", "rings": 1, "says": True, "press": "1,1,1,1,1,1"}


@dataclass
class PbxBox(Box):
    """A box whose lines pass their calls to extensions 201 and 202."""

    def _configuration(self) -> str:
        numbers = 'pbx_numbers = ["201", "202"]\n'
        return super()._configuration().replace("[switchboard]\n", f"[switchboard]\n{numbers}")


@pytest.mark.promise("B2")
def test_busy_then_accepted_by_a_key(tmp_path: Path) -> None:
    """The first extension is busy: the caller is back; at the second a key accepts, the box hangs
    up, the PBX joins the two. The record tells it all, names no number; no command came too soon.
    """
    box = PbxBox(
        tmp_path,
        lines=1,
        dialect="usr5637",
        line='daytime = "pbx_transfer"\n',
        options=("--pbx", "--no-chip-tones"),
        extra=brief(tmp_path / "prompts"),
    )
    with box:
        extensions = {"201": {"outcome": "busy"}, "202": ACCEPTS | {"press_after_ms": 2000}}
        process.set_line(tmp_path / "lines", 1, extensions=extensions)
        report = box.call(1, CallPlan(caller="051234567", hang_up_after_ms=180_000))
        record = box.last_record(1)
        box.wait_until(box.is_idle, 10.0, "the line was not idle")
        figures = process.ask_status(tmp_path / "lines")["lines"]
        log = box.log()
    assert (report.transferred_to, report.transfer_found) == ("202", "answered")
    assert report.ended_by == "transferred"
    assert report.flashes_ms == [100, 100, 100]
    assert (record.result, record.way) == (Result.ANSWERED, Destination.SWITCHBOARD)
    assert record.phone == "switchboard.2"
    told = [code for code in record.trail if code.startswith(("pbx.", "answered."))]
    assert told[:4] == ["pbx.greeting", "pbx.switchboard.1", "pbx.dialled", "pbx.busy"]
    assert told[4:6] == ["pbx.returned", "pbx.switchboard.2"]
    assert told[-2:] == ["pbx.answered", "answered.switchboard.2"]
    assert isinstance(figures, list)
    assert figures[0]["protocol_faults"] == {}, figures
    assert not any(number in told for told in record.trail for number in ("201", "202"))
    assert {record.target, record.transfer_reason, record.returned}.isdisjoint({"201", "202"})
    assert not any(f"digits='{n}'" in log for n in ("201", "202"))
