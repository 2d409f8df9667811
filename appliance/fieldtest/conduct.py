"""Follows the suite's process to its end: shows, asks, and passes on that it is to stop."""

from __future__ import annotations

import contextlib
import select
import signal
from typing import TYPE_CHECKING, Final

from appliance.errors import PeerError
from appliance.fieldtest.messages import LONGEST, Asked, Lines, decode
from appliance.policy.text import Words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from appliance.fieldtest.child import Child
    from appliance.fieldtest.guide import Guide
    from appliance.fieldtest.progress import Watch

LOOK_S: Final = 0.2
ENOUGH: Final = 2
"""So many times a person interrupts before the suite is not waited for any more."""
STOPPING: Final = Words(
    "Interrotta: si riaggancia e si rimette in servizio; ancora Ctrl-C per non aspettare la prova.",
    "Interrupted: hanging up and restoring the service; Ctrl-C again not to wait for the test.",
)
STRANGE: Final = Words("La serie di prove ha detto qualcosa di incomprensibile.",
                       "The suite said something that cannot be understood.")  # fmt: skip


class Stop:
    """Counts the signals that ask the command to end; nothing of it raises."""

    def __init__(self) -> None:
        self.asked = 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Count Ctrl-C, the service manager's SIGTERM and a terminal that goes."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1


def conduct(child: Child, watch: Watch, guide: Guide, stop: Stop) -> int:
    """Return pytest's status once its process has ended."""
    lines = Lines()
    passed_on = 0
    while True:
        if stop.asked > passed_on:
            if not passed_on:
                watch.say(STOPPING)
            child.end(at_once=stop.asked >= ENOUGH)
            passed_on = stop.asked
        elif passed_on:
            child.end()
        readable, _, _ = select.select([child.sock], [], [], LOOK_S)
        data = child.sock.recv(LONGEST) if readable else b""
        if readable and not data:
            break
        for line in lines.feed(data):
            _take(line, child, watch, guide, stop)
        watch.tick()
        if child.has_ended and not readable:
            break
    return _waited_for(child, stop)


def _waited_for(child: Child, stop: Stop) -> int:
    """Wait for the end of a process that has nothing more to tell."""
    while not child.has_ended:
        if stop.asked:
            child.end(at_once=stop.asked > child.asked)
        select.select([], [], [], LOOK_S)
    return child.close()


def _take(line: bytes, child: Child, watch: Watch, guide: Guide, stop: Stop) -> None:
    try:
        message = decode(line)
    except PeerError:
        watch.say(STRANGE)
        return
    if not isinstance(message, Asked):
        watch.take(message)
        return
    watch.stop()
    answer = guide.ask(message, lambda: stop.asked > 0 or child.has_ended)
    watch.start()
    with contextlib.suppress(OSError):  # it has ended meanwhile
        child.sock.sendall(f"{answer}\n".encode())
