"""The memory card stalls: phones ring as fast as before, and nothing that was due is forgotten."""

from __future__ import annotations

import contextlib
import statistics
import time
from pathlib import Path

import pytest

from appliance.api import protocol
from appliance.calls.orders import Result
from appliance.errors import OfficeError
from appliance.simulator.phone.process import TestPhone
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.system.calls import place
from tests.system.stall import stalling_disk

# The time from RING to INVITE is compared before and after: nothing else may change it in between.
pytestmark = [pytest.mark.system, pytest.mark.alone]

STALL_S = 20.0
CALLS = 4
"""Calls before the stall; in it as many as go, at least two."""
SLACK_MS = 40.0
"""What a shared machine may add to a time, beside the ratio."""


def ring_to_invite(box: Box, phone: TestPhone, line: int) -> float:
    """Let a call come, be answered and be ended by the operator; ms from RING to the INVITE."""
    call = place(box, line)
    call.wait_for("ringing", 10.0)
    rang = time.monotonic()
    invited = phone.wait_event("ringing", 15.0).at
    phone.wait_event("ack", 10.0)
    call.wait_for("answered", 10.0)
    box.wait_until(lambda: box.status()["calls"][0]["state"] == "talking", 10.0, "nobody talked")
    phone.hang_up()
    call.wait(20.0)
    return (invited - rang) * 1000


def ask_of_the_disk(box: Box) -> None:
    """Ask call control for something that only the disk can answer, and do not wait for it."""
    question = {"ask": "close_message", "name": "1", "by": "op1", "outcome": "called_back"}
    with contextlib.suppress(OfficeError):
        protocol.ask(
            box.folder / "run" / "desk.sock", {**question, "at": "2026-11-25T09:00:00+01:00"}, 0.2
        )


def test_a_disk_stalled_for_20_s_changes_no_ring_to_invite(tmp_path: Path) -> None:
    """RING to INVITE and call control's own share of it are, by ratio, what they were; also while
    somebody asks for what lies on the disk. All calls are on the list once the disk is back.
    """
    require("nbdkit", "nbdfuse", "fusermount3", "mkfs.ext4", "losetup", root=True)
    folder = tmp_path / "box"
    with (
        stalling_disk(tmp_path, folder / "state") as disk,
        Box(folder, line='caller_id = "none"\n') as box,
    ):
        phone = box.phone("op1")
        phone.answer_mode("auto", 50)
        before = [ring_to_invite(box, phone, 1 + n % 2) for n in range(CALLS)]
        known = len(box.ask("figures")["figures"]["rang_to_order"])
        assert known == CALLS

        during: list[float] = []
        with disk.stalled():
            until = time.monotonic() + STALL_S
            while time.monotonic() < until:
                ask_of_the_disk(box)
                during.append(ring_to_invite(box, phone, 1 + len(during) % 2))
        orders = box.ask("figures")["figures"]["rang_to_order"]

        box.last_record(CALLS + len(during), 30.0)
        results = {record.result for record in box.records()}
        box.wait_until(lambda: box.troubles() == [], 30.0, "a trouble stayed")

    assert len(during) >= 2
    assert statistics.median(during) <= 2 * statistics.median(before) + SLACK_MS, (before, during)
    assert max(during) <= 3 * max(before) + 2 * SLACK_MS, (before, during)
    assert statistics.median(orders[known:]) <= 2 * statistics.median(orders[:known]) + SLACK_MS
    assert results == {Result.ANSWERED}
