"""Puts a line on hook, whatever state its modem was left in, and has the modem prove it."""

from __future__ import annotations

import contextlib
import os
import select
import time
from typing import TYPE_CHECKING, Final

from appliance.modem.events import Failed, Idle, Up
from appliance.modem.line import LineDriver
from appliance.modem.port_server import PORT_ERRORS, SerialPort, explain
from appliance.modem.scripts import LineSettings, Sentence

if TYPE_CHECKING:
    from appliance.modem.events import LineEvent

LIMIT_S: Final = 30.0
READ_SIZE: Final = 4096
GONE: Final = Sentence("Il modem è scollegato.", "The modem is unplugged.")
SILENT: Final = Sentence(
    "Il modem non dice se ha riagganciato: scollegarlo e ricollegarlo.",
    "The modem does not say whether it has hung up: unplug it and plug it in again.",
)


def put_on_hook(path: str) -> Sentence | None:
    """Bring the modem at a port to idle; returns why it could not be, None when it is.

    What does not answer has its DTR pulled, which hangs up too, and is asked once more.
    """
    try:
        with contextlib.closing(SerialPort(path)) as port:
            trouble = _brought_up(port.fileno())
            if trouble is not None and port.drop_dtr():
                trouble = _brought_up(port.fileno())
            return trouble
    except PORT_ERRORS as error:
        return explain(path, error).sentence


def _brought_up(fd: int) -> Sentence | None:
    """Start a line as the service does: its first commands end a stream and hang up."""
    driver = LineDriver("", LineSettings())
    waiting = bytearray()
    now = time.monotonic()
    end = now + LIMIT_S
    events: tuple[LineEvent, ...] = driver.start(now)
    while now < end:
        for event in events:
            if isinstance(event, Up | Idle):
                return None
            if isinstance(event, Failed):
                return event.reason
        waiting += driver.data_to_send()
        events = _exchanged(fd, driver, waiting, end)
        now = time.monotonic()
    return SILENT


def _exchanged(
    fd: int, driver: LineDriver, waiting: bytearray, end: float
) -> tuple[LineEvent, ...]:
    """Carry bytes both ways until something is due; returns what it meant."""
    due = driver.next_deadline()
    pause = max(0.0, min(end if due is None else due, end) - time.monotonic())
    readable, writable, _ = select.select([fd], [fd] if waiting else [], [], pause)
    if writable:
        del waiting[: os.write(fd, waiting)]
    events: tuple[LineEvent, ...] = ()
    if readable:
        data = os.read(fd, READ_SIZE)
        if not data:
            raise OSError(GONE.en)
        events = driver.receive_data(data, time.monotonic())
    due = driver.next_deadline()
    if due is not None and time.monotonic() >= due:
        events += driver.handle_timer(time.monotonic())
    return events
