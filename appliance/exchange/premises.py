"""Builds an exchange in a directory and runs it there; everything is removed afterwards."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from appliance.errors import TechnicianError
from appliance.exchange import realtime, tones
from appliance.exchange.country import country
from appliance.exchange.dialects import personality
from appliance.exchange.dtmf import PAIRS, burst
from appliance.exchange.outlet import Outlet
from appliance.exchange.service import Exchange
from appliance.exchange.station import Station

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from appliance.exchange.capture import Capture
    from appliance.exchange.control import Message


def control_address(descriptor: int) -> str:
    """Give the address of `control` in an opened directory, short whatever the path's length."""
    return f"/proc/self/fd/{descriptor}/control"


def listen(directory: Path) -> socket.socket:
    """Open DIR/control; raises TechnicianError when another exchange answers there."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_PATH)
    address = control_address(descriptor)
    listener = socket.socket(socket.AF_UNIX)
    try:
        _clear(directory, address)
        listener.bind(address)
        listener.listen(64)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(descriptor)
    return listener


def _clear(directory: Path, address: str) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(address)
        except OSError:
            (directory / "control").unlink(missing_ok=True)
            return
    raise TechnicianError(f"an exchange already runs in {directory}: stop it or choose another")


def build(
    directory: Path, dialects: Sequence[str], code: str, capture: Capture | None = None
) -> Exchange:
    """Make an exchange with one line per dialect; raises ConfigurationError, TechnicianError."""
    where = country(code)
    makes = [personality(name) for name in dialects]
    tones.prepare(where)
    for digit in PAIRS:
        burst(digit)
    listener = listen(directory)
    outlets = [
        Outlet(Station(number, where, make), directory / f"line{number}", capture)
        for number, make in enumerate(makes, 1)
    ]
    for outlet in outlets[1:]:  # one directory of numbers for all
        outlet.station.line.wire.lines = outlets[0].station.line.wire.lines
    return Exchange(outlets, listener)


def run(exchange: Exchange, directory: Path) -> Message:
    """Run until stopped, then clean up; gives the final report."""
    exchange.real_time = realtime.take()
    try:
        exchange.run()
        return exchange.status()
    finally:
        exchange.close()
        (directory / "control").unlink(missing_ok=True)
