"""A hundred open consoles and one that reads nothing: what they cost a call, against none."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from appliance.store.database import connect, database_path
from tests.bench import answering, consoles, wire
from tests.bench.answering import LINES, NEXT_MS, PREPARED_MS, Seen, place_calls
from tests.bench.office import BenchBox
from tests.bench.sounding import Window, bridge, even_row, window
from tests.bench.table import Row, percentile, row
from tests.console import people
from tests.console.running import open_console

CROWD = 100
ALONE, CROWDED = "no console open", f"{CROWD} consoles open, one stalled"
RATIO_AIM = ("max", 1.5)
"""What a crowd may cost a call at most, of what it takes without; the rest is the machine's."""
END_LIMIT_S = 30.0
NICE = 5
"""Of the console, as its unit has it (systemd/centralino-console.service)."""
ELSEWHERE = ("nice", "-n", "19")
"""The office's browsers run on computers of their own: here they take what nobody else wants."""

Span = tuple[float, float]
"""From when until when, monotonic seconds."""


def rows(folder: Path, calls: int, seconds: float) -> list[Row]:
    """Have calls answered, and four go on, both without and with the crowd, in one run."""
    table = '[console]\nlisten = "127.0.0.1"\nredirect_port = 0\n'
    extra = f'console = "{folder}/console"\n{table}'
    box = BenchBox(folder / "crowding", lines=LINES, silent_lines=LINES // 2, extra=extra)
    with contextlib.ExitStack() as stack:
        stack.enter_context(box)
        tap = stack.enter_context(wire.Wire(box.address))
        with closing(connect(database_path(box.state))) as connection:
            people.enter(connection)
        console, home = stack.enter_context(open_console(box))
        _make_nice(console.pid)
        place_calls(box, LINES)  # the first ones find everything cold
        spans = {ALONE: _answered(box, calls)}
        with _crowd(home):
            spans[CROWDED] = _answered(box, calls)
            going_on = bridge(box, 1, LINES)
            windows = {CROWDED: window(box, f"{LINES} calls, {CROWDED}", LINES, seconds)}
        windows[ALONE] = window(box, f"{LINES} calls, {ALONE}", LINES, seconds)
        for call in going_on:
            call.hang_up()
        box.wait_until(box.is_idle, END_LIMIT_S, "the lines did not become idle")
    return [*_answer_rows(box, tap, spans), *_sound_rows(tap, windows)]


def _answered(box: BenchBox, calls: int) -> Span:
    """Have so many calls answered by the operators' phones."""
    for number, name in enumerate(box.operators):
        box.phone(name).answer_mode("auto", PREPARED_MS + NEXT_MS * number)
    begin = time.monotonic()
    place_calls(box, calls)
    box.wait_until(box.is_idle, END_LIMIT_S, "the lines did not become idle")
    return begin, time.monotonic()


def _make_nice(pid: int) -> None:
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.setpriority(os.PRIO_PROCESS, int(task.name), NICE)


@contextlib.contextmanager
def _crowd(home: str) -> Iterator[None]:
    """Keep so many consoles open, by a process of its own."""
    command = [*ELSEWHERE, sys.executable, "-m", "tests.bench.consoles", home, str(CROWD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as crowd:
        assert crowd.stdout is not None
        assert crowd.stdout.readline().decode().strip() == consoles.OPEN, "they did not open"
        try:
            yield
        finally:
            crowd.communicate(timeout=END_LIMIT_S)


def _answer_rows(box: BenchBox, tap: wire.Wire, spans: dict[str, Span]) -> Iterator[Row]:
    silent = tuple(f"line{number}" for number in range(LINES // 2 + 1, LINES + 1))
    seen = {name: Seen(box.captured, _within(tap, span), []) for name, span in spans.items()}
    measured: dict[str, Callable[[Seen], Iterator[float]]] = {
        "RING -> INVITE, no caller identity": lambda one: answering.since_ring(one, silent),
        "phone's 200 -> line off hook": answering.to_off_hook,
    }
    for what, taken in measured.items():
        found = {name: list(taken(one)) for name, one in seen.items()}
        for name, values in found.items():
            yield row(f"{what}, {name}", values, note=tap.trouble)
        yield _ratio(f"{what}: p95, of that without", found[CROWDED], found[ALONE], RATIO_AIM)


def _within(tap: wire.Wire, span: Span) -> list[wire.Packet]:
    return [packet for packet in tap.packets if span[0] <= packet.at <= span[1]]


def _sound_rows(tap: wire.Wire, windows: dict[str, Window]) -> Iterator[Row]:
    found = {name: even_row(tap, one) for name, one in windows.items()}
    yield found[ALONE]
    yield found[CROWDED]
    yield _ratio(
        "RTP send interval: p95, of that without", found[CROWDED].values, found[ALONE].values
    )


def _ratio(
    what: str,
    crowded: list[float] | tuple[float, ...],
    alone: list[float] | tuple[float, ...],
    aim: tuple[str, float] | None = None,
) -> Row:
    """Divide the one 95th percentile by the other; nothing where one was not measured."""
    divided = percentile(crowded, 0.95) / percentile(alone, 0.95) if crowded and alone else None
    return row(what, () if divided is None else (divided,), "x", aim)
