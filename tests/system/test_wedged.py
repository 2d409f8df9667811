"""One line's port takes nothing more, another's port server hangs: the third line is as before."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.calls.orders import Result
from appliance.dsp import g711, wav
from appliance.dsp.wav import Law
from appliance.prompts import OURS
from appliance.simulator.exchange import process
from appliance.simulator.exchange.process import RunningCall
from tests.faults.needs import require
from tests.helpers.box import Box
from tests.helpers.figures import Figures
from tests.system.calls import modem, record_of
from tests.system.processes import fork_server_of

# The media gateway's lateness before and after is compared: nothing else may change it in between.
pytestmark = [pytest.mark.system, pytest.mark.alone]

OPERATORS = ("op1", "op2", "op3")
DIALECTS = "conexant,conexant,conexant,usr5637"
BEFORE, AFTER = 1, 2
"""Health reports (10 s of calls each) that are compared; the first after began a little before."""
SLACK_MS = 5.0
"""What a shared machine may add to a lateness, beside the ratio."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The media gateway's worst figures (ms) of some health reports, and writes that a port put
    off.
    """

    p99: float
    most: float
    put_off: int


def health(box: Box) -> dict[str, Any] | None:
    """Return the media gateway's latest health report."""
    found: dict[str, Any] | None = box.status()["health"]
    return found


def watch(box: Box, periods: int) -> Lateness:
    """Wait for so many more health reports and keep their worst figures."""
    seen: list[dict[str, Any]] = []
    last = health(box)

    def has_enough() -> bool:
        nonlocal last
        report = health(box)
        if report is not None and report != last:
            last = report
            seen.append(report)
        return len(seen) >= periods

    box.wait_until(has_enough, 12.0 * periods, "the media gateway reported no health")
    return Lateness(
        max(r["late_p99"] for r in seen),
        max(r["late_max"] for r in seen),
        sum(r["stuck_writes"] for r in seen),
    )


@contextmanager
def hanging_open(fork_server: int, path: Path) -> Iterator[None]:
    """Let every port server born from now on hang for ever when it opens a path, as some drivers
    do.
    """
    command = ["strace", "-f", "-qq", "-p", str(fork_server), "-P", str(path), "-o", "/dev/null"]
    command += ["-e", "trace=openat", "-e", "inject=openat:delay_enter=1000s"]
    tracer = subprocess.Popen(command)
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait(10)


def is_traced(pid: int) -> bool:
    """Tell whether a tracer is attached to a process."""
    return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()


def long_greeting(folder: Path) -> str:
    """Give the office a greeting of 30 s, more than a pseudo terminal takes (8 s); returns text."""
    ours = wav.read(OURS / "it" / "leave_message.wav")
    said = g711.encode(g711.decode(ours.data, ours.law), Law.ALAW)
    path = folder / "it" / "greeting_no_answer.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(wav.build((said * 30)[: 30 * 8000], Law.ALAW))
    return f'prompts = "{folder}"\n'


def line_of(box: Box, name: str) -> dict[str, Any]:
    """Return the status of a line."""
    return next(line for line in box.status()["lines"] if line["name"] == name)


def reason(box: Box, line: int) -> str:
    """Say why a line is out, "" while it is not."""
    found = line_of(box, f"line{line}")
    return str(found["why"]["en"]) if found["state"] == "out" else ""


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


def test_a_wedged_port_and_a_hung_port_server_are_their_lines_own_trouble(
    tmp_path: Path, figures: Figures
) -> None:
    """The good line's conversation goes on, its lateness unchanged (by ratio, in one run), while a
    modem falls mute in a conversation, another takes nothing more of a greeting, and a third's port
    server hangs: each line is out within its limit, with a sentence that says what to do; the calls
    on them count as lost; calls still work.
    """
    require("strace", root=True)
    extra = long_greeting(tmp_path / "prompts")
    make = 'daytime = "message"\n'
    with Box(
        tmp_path, lines=4, dialect=DIALECTS, line=make, operators=OPERATORS, extra=extra
    ) as box:
        exchange = box.folder / "lines"
        for name in OPERATORS:
            box.phone(name).answer_mode("auto", 100)
        good, good_name = conversation(box, 1)
        _, mute_name = conversation(box, 2)
        before = watch(box, BEFORE)

        fork_server = fork_server_of(box)
        with hanging_open(fork_server, exchange / "line3"):
            box.wait_until(lambda: is_traced(fork_server), 10.0, "strace did not attach")
            process.set_line(exchange, 2, wedged=True)
            deaf_name = greeted(box, 4)
            process.set_line(exchange, 4, wedged=True)
            process.set_line(exchange, 3, plugged=False)
            process.set_line(exchange, 3, plugged=True)
            heard = len(good.heard)
            after = watch(box, AFTER)
            box.wait_until(
                lambda: "stuck" in reason(box, 3), 20.0, "the hung port server was not seen"
            )
            reasons = [reason(box, line) for line in (2, 3, 4)]
            lost = {record_of(box, name).result for name in (mute_name, deaf_name)}
            with pytest.raises(TimeoutError):
                good.wait_for("released", 0.5)
            good.hang_up()
            record = record_of(box, good_name)
            assert_works(box)

    figures.say(
        "F12 mute in a call, deaf in a greeting, a port server that hangs: their calls are "
        f"{', '.join(sorted(lost))}; the good line's frames "
        f"late by {before.p99:.1f} ms before, {after.p99:.1f} ms then (p99)"
    )
    assert (before.put_off, after.put_off > 0) == (0, True)
    assert after.p99 <= 3 * before.p99 + SLACK_MS, (before, after)
    assert after.most <= 3 * before.most + 4 * SLACK_MS, (before, after)
    assert len(good.heard) - heard > 8000 * 10 * 0.98
    assert record.result is Result.ANSWERED
    assert lost == {Result.LOST}
    assert all("unplug the modem" in text or "unplug it" in text for text in reasons), reasons


def greeted(box: Box, line: int) -> str:
    """Bring a caller to the greeting of voicemail; returns the call's name."""
    call = box.place(line)
    call.wait_for("answered", 20.0)
    box.wait_until(lambda: modem(box, line)["modem"] == "tx", 5.0, "the greeting did not begin")
    here = [c for c in box.status()["calls"] if c["line"] == f"line{line}"]
    return str(here[0]["call"])


def assert_works(box: Box) -> None:
    """Another call on the good line talks to an operator."""
    box.wait_until(lambda: line_of(box, "line1")["state"] == "idle", 20.0, "line 1 is not idle")
    call, name = conversation(box, 1)
    call.hang_up()
    assert record_of(box, name).result is Result.ANSWERED
