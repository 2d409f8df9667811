"""From a ring to a phone that rings, from a phone that answers to a line off hook; many calls."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from appliance.simulator.exchange import process
from tests.bench import machine, ports, wire
from tests.bench.office import BenchBox
from tests.bench.ports import HOST, MODEM, first_after, last_before
from tests.bench.table import Row, row
from tests.helpers.box import wait

LINES = 4
PREPARED_MS = 3700
"""So long after the first ring a modem has been prepared: nothing is sent to it until the identity
has come, or its 3 s are over; then four commands, 100 ms apart (v253.md 8). Who lifts before that
waits for these 0.4 s.
"""
NEXT_MS = 300
TALK_MS = 1000
"""Beyond the 600 ms in which a break of the loop is the exchange's answer signal."""
STAMP_S = 0.1
"""The exchange stamps all that a tick reads with the tick's beginning: on a busy machine a command
can bear an earlier time than its order. No line is answered twice so soon.
"""
REST_S = 1.0
WARM_UP = 50
"""Calls until SIP remembers as much as it ever does at this pace: 32 s (RFC 3261, 64 T1)."""
TALK_LIMIT_S = 30.0

RINGS = (b"RING", b"\x10R")
OFF_HOOK = (b"+VLS=1",)
OK = (b"OK",)

Moments = list[tuple[str, str, float]]


@dataclass(slots=True)
class Seen:
    """Everything that was seen of the calls, from outside and from call control."""

    captured: ports.Ports
    packets: list[wire.Packet]
    moments: Moments
    invites: list[wire.Invite] = field(init=False)

    def __post_init__(self) -> None:
        self.invites = list(wire.invites(self.packets))

    def times(self, line: str, who: str, words: tuple[bytes, ...]) -> list[float]:
        """Return when one side of a line said one of some words."""
        return ports.side(self.captured, line, who).when(words)

    def moment(self, what: str, line: str) -> list[float]:
        """Return call control's and media gateway's own moments of a line."""
        return [at for known, subject, at in self.moments if (known, subject) == (what, line)]


def rows(folder: Path, calls: int) -> list[Row]:
    """Place `calls` calls on four lines; half of the lines have no caller identity."""
    box = BenchBox(folder / "answering", lines=LINES, silent_lines=LINES // 2)
    with box, wire.Wire(box.address) as tap:
        for number, name in enumerate(box.operators):
            phone = box.phone(name)
            phone.answer_mode("auto", PREPARED_MS + NEXT_MS * number)
        idle = _memory(box)
        answered = place_calls(box, min(WARM_UP, calls // 2))
        warm = _memory(box)
        answered += place_calls(box, calls - answered)
        wait(REST_S)
        after = _memory(box)
        moments = [(w, s, at) for w, s, at in box.ask("figures")["moments"]]
    seen = Seen(box.captured, tap.packets, moments)
    return [*_time_rows(seen, tap.trouble), *_memory_rows(idle, warm, after, answered)]


def place_calls(box: BenchBox, calls: int) -> int:
    """Call on the lines in turn; returns how many calls were answered.

    A line talks while the next one rings, but two never ring at once: the second would find
    every operator's phone ringing and overflow.
    """
    with ThreadPoolExecutor(LINES) as talking:
        reports = [
            talking.submit(_rung(box, 1 + number % LINES).wait, TALK_LIMIT_S)
            for number in range(calls)
        ]
        return sum(report.result().answered for report in reports)


def _rung(box: BenchBox, line: int) -> process.RunningCall:
    """Place a call once the line is idle; returns it when it was answered."""
    box.wait_until(lambda: _is_idle(box, line), TALK_LIMIT_S, f"line {line} did not become idle")
    named = line <= LINES - box.silent_lines
    caller = "0511234567" if named else "none"
    call = box.place(line, caller=caller, hang_up_after_ms=TALK_MS, release="busy200")
    call.wait_for("answered", TALK_LIMIT_S)
    return call


def _is_idle(box: BenchBox, line: int) -> bool:
    return bool(box.status()["lines"][line - 1]["state"] == "idle")


# --- what was seen ------------------------------------------------------------------------------


def _time_rows(seen: Seen, trouble: str) -> list[Row]:
    named, silent = _lines(1, LINES // 2), _lines(LINES // 2 + 1, LINES)
    within, at_once = ("p99", 20.0), ("p99", 10.0)
    return [
        row(
            "RING -> INVITE, no caller identity",
            since_ring(seen, silent),
            aim=at_once,
            note=trouble,
        ),
        row(
            "RING -> INVITE, identity after the ring",
            since_ring(seen, named),
            aim=at_once,
            note=trouble,
        ),
        row(
            "identity settled -> shown on the phone (UPDATE)",
            _since_identity(seen),
            aim=within,
            note=trouble,
        ),
        row("phone's 200 -> line off hook (modem's OK)", to_off_hook(seen), note=trouble),
        row("AnswerLine -> +VLS=1, prepared line", _to_command(seen), aim=within),
    ]


def _lines(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"line{number}" for number in range(first, last + 1))


def _since_identity(seen: Seen) -> Iterator[float]:
    """Every phone counts: the last one of the group shows it late to its operator, too."""
    for at, line in wire.updates(seen.packets):
        settled = last_before(seen.moment("identified", line), at)
        if settled is not None:
            yield (at - settled) * 1000


def since_ring(seen: Seen, lines: tuple[str, ...]) -> Iterator[float]:
    """From the first ring after the line's last call to that call's first INVITE."""
    for line in lines:
        rings = seen.times(line, MODEM, RINGS)
        ends = [float("-inf"), *seen.times(line, HOST, (b"ATH\r",))]
        first: dict[float | None, float] = {}
        for invite in (one for one in seen.invites if one.line == line):
            first.setdefault(last_before(ends, invite.at), invite.at)
        for end, at in first.items():
            ring = first_after(rings, end or 0.0)
            if ring is not None and ring < at:
                yield (at - ring) * 1000


def to_off_hook(seen: Seen) -> Iterator[float]:
    """Yield the ms from a phone's answer until its line is; only a call's first 200 makes it."""
    lines = {invite.call_id: invite.line for invite in seen.invites}
    for at, call in wire.answers(seen.packets):
        line = lines.get(call, "")
        command = first_after(seen.times(line, HOST, OFF_HOOK), at)
        done = first_after(seen.times(line, MODEM, OK), command) if command else None
        if done is not None and done - at < PREPARED_MS / 1000:
            yield (done - at) * 1000


def _to_command(seen: Seen) -> Iterator[float]:
    for line in _lines(1, LINES):
        commands = seen.times(line, HOST, OFF_HOOK)
        for ordered in seen.moment("answer_ordered", line):
            command = first_after(commands, ordered - STAMP_S)
            if command is not None:
                yield max(0.0, command - ordered) * 1000


# --- memory -------------------------------------------------------------------------------------


Memory = tuple[float, float]
"""RSS and PSS in MB."""


def _memory(box: BenchBox) -> Memory:
    pids = box.processes()
    return machine.memory_mb(pids, "Rss"), machine.memory_mb(pids, "Pss")


def _memory_rows(idle: Memory, warm: Memory, after: Memory, calls: int) -> list[Row]:
    most = ("max", 90.0)
    return [
        row("RSS, sum of all processes, idle, 4 lines", [idle[0]], "MB", most),
        row(f"RSS after {calls} calls", [after[0]], "MB", most),
        row(f"RSS grown over {calls} calls", [after[0] - idle[0]], "MB", ("max", 1.0)),
        row(f"of it after the first {min(WARM_UP, calls // 2)}", [after[0] - warm[0]], "MB"),
        row("PSS (shared pages counted once), idle, 4 lines", [idle[1]], "MB", most),
        row(f"PSS after {calls} calls", [after[1]], "MB", most),
    ]
