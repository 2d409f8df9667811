"""One line's port takes nothing more, another's keeper hangs for ever: the third line is as before."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.orders import Result
from appliance.exchange import client
from appliance.exchange.client import RunningCall
from tests.helpers.box import Box
from tests.system.calls import end, record_of
from tests.system.processes import keeper_of

pytestmark = pytest.mark.system

OPERATORS = ("op1", "op2", "op3")
PERIODS = 2
"""Health reports (10 s of calls each) that are taken before and after."""
SLACK_MS = 5.0
"""What a shared machine may add to a lateness, beside the ratio."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The carrier's worst figures (ms) of some health reports."""

    p99: float
    most: float


def health(box: Box) -> dict[str, Any] | None:
    """Return the carrier's latest health report."""
    found: dict[str, Any] | None = box.status()["health"]
    return found


def watch(box: Box, periods: int) -> Lateness:
    """Wait for so many health reports that begin and end from now on, and keep the worst figures."""
    seen: list[dict[str, Any]] = []
    last = health(box)

    def has_enough() -> bool:
        nonlocal last
        report = health(box)
        if report is not None and report != last:
            last = report
            seen.append(report)
        return len(seen) > periods  # the first one began before

    box.wait_until(has_enough, 12.0 * (periods + 1), "the carrier reported no health")
    return Lateness(max(r["late_p99"] for r in seen[1:]), max(r["late_max"] for r in seen[1:]))


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process hang; at the end it may go on (if it is still there)."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)


def line_of(box: Box, name: str) -> dict[str, Any]:
    """Return the status of a line."""
    return next(line for line in box.status()["lines"] if line["name"] == name)


def conversation(box: Box, line: int) -> tuple[RunningCall, str]:
    """Let a caller talk to one of the operators; returns the call and its name."""
    call = box.place(line, caller="withheld")
    call.wait_for("answered", 20.0)
    found: list[str] = []

    def talks() -> bool:
        calls = box.status()["calls"]
        found[:] = [
            c["call"] for c in calls if c["line"] == f"line{line}" and c["state"] == "talking"
        ]
        return bool(found)

    box.wait_until(talks, 10.0, f"nobody talked on line {line}")
    return call, found[0]


def test_a_wedged_port_and_a_hung_keeper_are_their_lines_own_trouble(tmp_path: Path) -> None:
    """The other line's conversation goes on, its lateness unchanged (by ratio, in one run); each of
    the two lines is out within its limit, with a sentence that says what to do; their callers'
    phones are let go; calls still work.
    """
    with Box(tmp_path, lines=3, operators=OPERATORS) as box:
        for name in OPERATORS:
            box.phone(name).answer_mode("auto", 100)
        good, good_name = conversation(box, 1)
        _, wedged_name = conversation(box, 2)
        _, hung_name = conversation(box, 3)
        before = watch(box, PERIODS)

        with stopped(keeper_of(box, 3)):
            client.set_line(box.folder / "lines", 2, wedged=True)
            client.set_line(box.folder / "lines", 3, wedged=True)
            heard = len(good.heard)
            after = watch(box, PERIODS)
            for name in ("line2", "line3"):
                box.wait_until(
                    lambda name=name: line_of(box, name)["state"] == "out",  # type: ignore[misc]
                    40.0,
                    f"{name} was not declared out",
                )
            reasons = [line_of(box, name)["reason"] for name in ("line2", "line3")]
            lost = {record_of(box, name).result for name in (wedged_name, hung_name)}

            with pytest.raises(TimeoutError):
                good.wait_for("released", 0.5)
            record = end(box, good)
            assert_works(box)

    assert after.p99 <= 3 * before.p99 + SLACK_MS, (before, after)
    assert after.most <= 3 * before.most + 4 * SLACK_MS, (before, after)
    assert len(good.heard) - heard > 8000 * 10 * PERIODS * 0.98
    assert (record.call, record.result) == (good_name, Result.ANSWERED)
    assert lost == {Result.LOST}
    assert all("unplug" in reason and "plug it in again" in reason for reason in reasons), reasons


def assert_works(box: Box) -> None:
    """Another call on the good line talks to an operator."""
    box.wait_until(lambda: line_of(box, "line1")["state"] == "idle", 20.0, "line 1 is not idle")
    call, name = conversation(box, 1)
    assert end(box, call).call == name
