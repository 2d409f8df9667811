"""The exchange's modem at the far end of a USB gadget's serial line; SIGUSR1 has somebody call."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import tty
from types import FrameType

from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from appliance.simulator.exchange.modem_protocol import personality_named
from appliance.simulator.exchange.outlet import Station
from appliance.simulator.exchange.signals import country_named

TICK_S = 0.01


def _open(path: str) -> int:
    """Open the line when it can be: while the modem is unplugged there may be none."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(descriptor)
        except OSError:
            select.select([], [], [], TICK_S)
        else:
            return descriptor


def _read(descriptor: int) -> bytes | None:
    """Read what the host wrote; None when the cable was pulled."""
    try:
        return os.read(descriptor, 4096) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


def main(path: str) -> None:
    """Be a Conexant at `path` until killed; a modem that was unplugged starts anew."""
    station = Station(1, country_named("it"), personality_named("conexant"))

    def ring(_number: int, _frame: FrameType | None) -> None:
        station.line.place(ExchangeCall(CallPlan(hang_up_after_ms=600_000), 1))

    signal.signal(signal.SIGUSR1, ring)
    descriptor, last = _open(path), time.monotonic()
    while True:
        select.select([], [], [], TICK_S)
        now = time.monotonic()
        data = _read(descriptor)
        if data is None:
            os.close(descriptor)
            station.power_cycle()
            descriptor = _open(path)
            continue
        station.modem.receive_data(data, now)
        station.tick(station.samples_in(now - last), now)
        last = now
        try:
            os.write(descriptor, station.modem.data_to_send())
        except OSError:
            continue  # full, or pulled out, which the next read tells


if __name__ == "__main__":
    main(sys.argv[1])
