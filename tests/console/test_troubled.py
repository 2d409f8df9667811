"""A console that is killed, stopped, spins or is kept busy changes nothing of any call."""

from __future__ import annotations

import contextlib
import math
import operator
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from appliance.dsp import g711
from appliance.dsp.dtmf import pcm16
from appliance.dsp.wav import Law
from appliance.simulator.exchange.process import RunningCall
from appliance.simulator.phone.process import TestPhone
from tests.bench.machine import cpu_seconds
from tests.console.running import Running, open_console, running
from tests.helpers.box import Box
from tests.system.calls import IDLE_S, record_of
from tests.system.rulers import share_of_tone

pytestmark = pytest.mark.system

CROWD, CROWD_S = 100, 120
SECOND = 8000
PIECE = SECOND // 10 * 2
"""Bytes of a tenth of a second of 16-bit sound."""
ENOUGH = 8
"""Of the ten tenths."""
CALLER_HZ, OPERATOR_HZ = 700, 1000
"""Neither is a tone of the exchange."""
SOUND_S = 30.0
SLACK_MS = 40.0
"""What a shared machine may add to a time, beside the ratio."""
SPINNER = """\
import signal
def spin(*_):
    while True:
        pass
signal.signal(signal.SIGUSR1, spin)
"""
"""A sitecustomize by which a process computes without end once it is told."""


@contextlib.contextmanager
def killed(found: Running) -> Iterator[None]:
    """Kill it."""
    found.console.kill()
    found.console.wait()
    yield


@contextlib.contextmanager
def stopped(found: Running) -> Iterator[None]:
    """Stop it in its tracks: its sockets stay open and nobody reads them."""
    found.console.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        found.console.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def busy(found: Running) -> Iterator[None]:
    """Keep it at work without a pause, by a crowd and one who reads nothing."""
    command = [sys.executable, "-m", "tests.bench.visitors", found.home, str(CROWD_S), str(CROWD)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as crowd:
        try:
            found.box.wait_until(lambda: _is_busy(found), 20.0, "the console was not busy")
            yield
        finally:
            crowd.kill()


@contextlib.contextmanager
def spinning(found: Running) -> Iterator[None]:
    """Have it compute without end: it serves nobody, and takes a whole core of the machine."""
    pid = found.console.pid
    found.console.send_signal(signal.SIGUSR1)
    used = cpu_seconds([pid])
    found.box.wait_until(lambda: cpu_seconds([pid]) > used + 0.5, 20.0, "it does not spin")
    try:
        yield
    finally:
        found.console.kill()
        found.console.wait()


def _is_busy(found: Running) -> bool:
    """Tell whether it serves the crowd: its sockets are many."""
    table = Path(f"/proc/{found.console.pid}/net/tcp").read_text(encoding="ascii").splitlines()
    port = f":{int(found.home.rsplit(':', 1)[1]):04X}"
    here = [line.split() for line in table if port in line.split()[1]]
    return sum(1 for line in here if line[3] == "01") > CROWD // 2


@dataclass(frozen=True)
class Calls:
    """What became of one that went on and of one that began; when phones were ordered to ring."""

    records: tuple[CallRecord, ...]
    rang_to_order_ms: tuple[float, ...]

    @property
    def shapes(self) -> list[tuple[object, ...]]:
        """What does not depend on when they were."""
        return [(r.line, r.result, r.way, r.phone, r.returned, r.trail) for r in self.records]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box with two positions; each test has a console of its own beside its first one."""
    folder = tmp_path_factory.mktemp("troubled")
    with running(folder, lines=2, operators=("op1", "op2")) as whole:
        yield whole


@pytest.fixture(scope="module")
def at_ease(found: Running) -> Calls:
    """Two calls beside a console that has no trouble."""
    return two_calls(found.box, contextlib.nullcontext())


def voice(hertz: int) -> bytes:
    """Return a second of a tone in mu-law."""
    sine = [4000 * math.sin(math.tau * hertz * n / SECOND) for n in range(SECOND)]
    return g711.encode(pcm16(sine), Law.ULAW)


def two_calls(box: Box, trouble: AbstractContextManager[None]) -> Calls:
    """Have two callers talk with two operators, each by a tone of their own, and hang up.

    The trouble begins while the first two talk; then the second caller rings.
    """
    box.wait_until(box.is_idle, IDLE_S, "the lines did not become idle")
    known = len(ring_to_order_ms(box))
    with box.phone("op1") as op1, box.phone("op2") as op2:
        first = ring(box, 1, op1)
        with trouble:
            second = ring(box, 2, op2)
            for call, phone in ((first, op1), (second, op2)):
                await_sound(box, call, phone)
            going_on = sorted(box.status()["calls"], key=operator.itemgetter("line"))
            for call in (first, second):
                call.hang_up()
            for call in (first, second):
                call.wait(IDLE_S)
            records = tuple(record_of(box, each["call"]) for each in going_on)
            times = tuple(ring_to_order_ms(box)[known:])
    return Calls(records, times)


def ring(box: Box, line: int, phone: TestPhone) -> RunningCall:
    """Have somebody call on a line; the phone answers, all others are busy or do not."""
    phone.answer_mode("auto", 100)
    phone.say(voice(OPERATOR_HZ), repeat=True)
    said = (voice(CALLER_HZ),)
    call = box.place(
        line, caller="0511234567", clips=said, repeat_say=True, hang_up_after_ms=600_000
    )
    call.wait_for("answered", 30.0)
    box.wait_until(lambda: line in talking(box), 30.0, f"nobody talks on line {line}")
    return call


def talking(box: Box) -> set[int]:
    """Return the lines on which somebody talks."""
    calls = box.status()["calls"]
    return {int(each["line"][-1]) for each in calls if each["state"] == "talking"}


def hear_each_other(call: RunningCall, phone: TestPhone) -> bool:
    """Tell whether each hears the other, and nothing else, in a second from now on."""
    call.heard.clear()
    with pytest.raises(TimeoutError):
        call.wait_for("nothing of the kind", 1.5)
    received = phone.received()
    by_operator = g711.decode(received.data[-SECOND:], Law(received.law))
    by_caller = g711.decode(bytes(call.heard)[-SECOND:], Law.ULAW)
    return is_heard(by_caller, OPERATOR_HZ) and is_heard(by_operator, CALLER_HZ)


def await_sound(box: Box, call: RunningCall, phone: TestPhone) -> None:
    """Wait until they hear each other: a machine that is loaded by others may splice a second."""
    box.wait_until(
        lambda: hear_each_other(call, phone), SOUND_S, "they do not hear each other any more"
    )


def is_heard(pcm: bytes, hertz: int) -> bool:
    """Tell whether a second is made of a tone; where frames were spliced its phase may jump."""
    tenths = [pcm[at : at + PIECE] for at in range(0, len(pcm), PIECE)]
    return sum(share_of_tone(one, hertz) > 0.9 for one in tenths) >= ENOUGH


def ring_to_order_ms(box: Box) -> list[float]:
    """Return call control's own figure of every call so far: from the ring to what it ordered."""
    times: list[float] = box.ask("figures")["figures"].get("rang_to_order", [])
    return times


@pytest.mark.parametrize("trouble", [killed, stopped, spinning, busy])
def test_no_call_is_changed(
    found: Running,
    at_ease: Calls,
    trouble: Callable[[Running], AbstractContextManager[None]],
    tmp_path: Path,
) -> None:
    """One that goes on is heard on, the next is answered as fast; both end as at ease."""
    (tmp_path / "sitecustomize.py").write_text(SPINNER)
    box, spinner = found.box, {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    with open_console(box, spinner) as (console, home):
        calls = two_calls(box, trouble(Running(box, home, console)))
    assert {record.result for record in at_ease.records} == {Result.ANSWERED}
    assert calls.shapes == at_ease.shapes
    assert len(calls.rang_to_order_ms) == len(at_ease.rang_to_order_ms) == len(calls.records)
    before, during = statistics.median(at_ease.rang_to_order_ms), calls.rang_to_order_ms[-1]
    assert during <= 1.5 * before + SLACK_MS
