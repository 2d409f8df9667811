"""A real box is watched: what Prometheus reads is true, well-formed, and tells nobody's number."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.simulator.exchange.call import CallPlan
from tests.helpers.prometheus import WatchedBox, promtool

pytestmark = pytest.mark.system

CALLER = "0519876543"
ANSWERED = 'centralino_calls_total{direction="in",result="answered"}'
IN_USE = 'centralino_line_state{line="line1",state="in_use"}'
BUSY = 'centralino_positions{group="switchboard",state="busy"}'
LINE_BUSY_S = 'centralino_line_busy_seconds_total{line="line1"}'


def test_what_prometheus_reads_of_a_box(tmp_path: Path) -> None:
    """A call that an operator answers is seen while it lasts and counted once it is over; promtool
    finds nothing to say of the page; no caller's number is anywhere on it (P7).
    """
    with WatchedBox(tmp_path / "box", lines=1, counters=()) as box:
        box.phone("op1").answer_mode("auto", 100)
        assert box.value(ANSWERED) == 0
        running = box.place(1, CallPlan(caller=CALLER, hang_up_after_ms=5000))
        box.wait_until(lambda: box.value(IN_USE) == 1, 30.0, "the line was not seen in use")
        during = box.scrape()
        running.wait(60.0)
        box.wait_until(lambda: box.value(ANSWERED) == 1, 40.0, "the call was not counted")
        told = box.scrape()
        assert box.value(LINE_BUSY_S) > 5
        assert box.value("centralino_call_talk_seconds_count") == 1
        assert box.value("centralino_call_answer_seconds_count") == 1
    assert f"{BUSY} 1.0" in during
    for page in (during, told):
        assert CALLER[1:] not in page
        done = promtool("check", "metrics", given=page)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
