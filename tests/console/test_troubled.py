"""A console that is killed, stopped or kept busy changes nothing of any call; real processes."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from appliance.calls.orders import CallRecord, Result
from tests.console.running import Running, open_console, running
from tests.system.calls import end, in_call

pytestmark = pytest.mark.system

CROWD, CROWD_S = 100, 120


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


def _is_busy(found: Running) -> bool:
    """Tell whether it serves the crowd: its sockets are many."""
    table = Path(f"/proc/{found.console.pid}/net/tcp").read_text(encoding="ascii").splitlines()
    port = f":{int(found.home.rsplit(':', 1)[1]):04X}"
    here = [line.split() for line in table if port in line.split()[1]]
    return sum(1 for line in here if line[3] == "01") > CROWD // 2


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A whole box; each test has a console of its own beside the box's first one."""
    with running(tmp_path_factory.mktemp("troubled")) as whole:
        yield whole


def shape(record: CallRecord) -> tuple[object, ...]:
    """Return of a call what does not depend on when it was."""
    return record.result, record.way, record.phone, record.returned, record.trail


@pytest.mark.parametrize("trouble", [killed, stopped, busy])
def test_no_call_is_changed(
    found: Running, trouble: Callable[[Running], AbstractContextManager[None]]
) -> None:
    """One that goes on goes on, the next is answered; both end as one beside a console at ease."""
    box = found.box
    with box.phone("op1") as phone, open_console(box) as (console, home):
        call, _ = in_call(box, 1, phone)
        at_ease = end(box, call)
        call, name = in_call(box, 1, phone)
        with trouble(Running(box, home, console)):
            assert [one["call"] for one in box.status()["calls"]] == [name]
            going_on = end(box, call)
            call, _ = in_call(box, 1, phone)
            begun = end(box, call)
    assert at_ease.result is Result.ANSWERED
    assert shape(going_on) == shape(begun) == shape(at_ease)
