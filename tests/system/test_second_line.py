"""B4: no phone can be reached: the counter's ordinary telephone is called over the second line."""

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

NUMBER = "0541704111"


@dataclass
class OutsideBox(Box):
    """A box whose counter has an ordinary telephone; none of its phones is ever started."""

    def _configuration(self) -> str:
        outside = f'outside = "{NUMBER}"\n'
        return super()._configuration().replace("[citizens_desk]\n", f"[citizens_desk]\n{outside}")


@pytest.mark.promise("B4")
def test_without_a_lan_the_caller_reaches_a_telephone(tmp_path: Path) -> None:
    """Dialled over line 2, taken by a key, the two lines joined: the caller hears the telephone's
    own word; both lines come back, no command came too soon, the number stands nowhere.
    """
    keys = {"outcome": "answer", "rings": 1, "says": True, "press": "1,1,1,1,1,1"}
    own = brief(tmp_path / "prompts")
    with OutsideBox(tmp_path, lines=2, options=("--no-chip-tones",), extra=own) as box:
        taken = {NUMBER: keys | {"press_after_ms": 2000}}
        process.set_line(tmp_path / "lines", 2, extensions=taken)
        report = box.call(1, CallPlan(caller="051234567", hang_up_after_ms=8000, rings=20))
        record = box.last_record(1)
        box.wait_until(box.is_idle, 20.0, "the lines were not idle")
        lines = process.ask_status(tmp_path / "lines")["lines"]
        log = box.log()
    assert report.answered
    assert (record.result, record.way) == (Result.ANSWERED, Destination.CITIZENS_DESK)
    assert record.phone == "citizens_desk.outside"
    assert "ring.citizens_desk.outside" in record.trail
    assert isinstance(lines, list)
    assert [line["protocol_faults"] for line in lines] == [{}, {}], lines
    assert NUMBER not in str(record)
    assert NUMBER not in log
