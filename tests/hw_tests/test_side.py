"""A side of the bench that is interrupted: between two steps, never within one."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from appliance.modem.scripts import LineSettings
from hw_tests.side import INTERRUPTION, Side

SPENT_S = 0.001


class Told:
    """Port that gives one result and takes all; Ctrl-C comes as it is `read` or written to."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.written: list[bytes] = []

    def read(self) -> bytes:
        """Give a result."""
        self._interrupted("read")
        return b"OK\r\n"

    def write(self, data: bytes) -> int:
        """Take it all."""
        self.written.append(data)
        self._interrupted("write")
        return len(data)

    def drop_dtr(self) -> bool:
        """There is none."""
        return False

    def close(self) -> None:
        """Close nothing."""

    def _interrupted(self, step: str) -> None:
        if step == self._step:
            self._step = ""
            INTERRUPTION.ask(signal.SIGINT, None)


def clock() -> Callable[[], float]:
    """Give a clock that goes on by a millisecond whenever it is read."""
    times = iter(range(1000))
    return lambda: next(times) * SPENT_S


def test_what_was_read_is_noted_before_the_interruption() -> None:
    """Else the pause behind a result would be counted from nowhere, and it be waited for."""
    side = Side("A", Told("read"), LineSettings())
    with pytest.raises(KeyboardInterrupt):
        side.work(clock())
    assert [data for _, data in side.raw] == [b"OK\r\n"]


def test_what_was_written_is_not_written_again() -> None:
    """A command that the modem has taken is not there for the next step."""
    port = Told("write")
    side = Side("A", port, LineSettings())
    with pytest.raises(KeyboardInterrupt):
        side.start(0.0)
    first = list(port.written)
    assert len(first) == 1
    side.order(lambda _driver, _now: (), SPENT_S)
    assert port.written == first


def test_it_comes_at_once_between_two_steps() -> None:
    """A tester who waits, or whose machine computes, is heard; and only once."""
    side = Side("A", Told(""), LineSettings())
    with pytest.raises(KeyboardInterrupt):
        INTERRUPTION.ask(signal.SIGINT, None)
    side.work(clock())
