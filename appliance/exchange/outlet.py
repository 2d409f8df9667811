"""A station behind its port: moves bytes between them and keeps the figures of both."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from appliance.exchange.port import Port
from appliance.exchange.states import PLAYING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from appliance.exchange.capture import Capture
    from appliance.exchange.station import Station

BACKLOG_LIMIT_MS = 300
"""More sound than this ahead of the codec fails the run."""


class Outlet:
    """One line as the host meets it. `now` is in monotonic seconds."""

    def __init__(
        self,
        station: Station,
        link: Path,
        capture: Capture | None = None,
        make_port: Callable[[Path], Port] = Port,
    ) -> None:
        self.station = station
        self.link = link
        self._make_port = make_port
        self.port: Port | None = make_port(link)
        self.wedged = False
        self.ignore_dtr = False
        self.greatest_backlog_ms = 0.0
        self._capture = capture
        self._was_open = False
        self._last_name = ""

    @property
    def reads_commands(self) -> bool:
        """True when the port should be read as soon as something comes, not at the next tick."""
        return self._was_open and not self.wedged and not self.station.modem.streaming

    def tick(self, seconds: float, now: float) -> None:
        """Read what the modem takes, run the line, write what the host gets."""
        station = self.station
        n = station.samples_in(seconds)
        port = self.port
        if port is None:
            station.tick(n, now)
            return
        self._follow_opening(port, now)
        self._read(port, now)
        station.modem.host_reads = port.host_reads
        station.tick(n, now)
        self._write(port, now)

    def serve(self, now: float) -> None:
        """Take commands between ticks and answer at once."""
        if self.port is not None:
            self._read(self.port, now)
            self._write(self.port, now)

    def _follow_opening(self, port: Port, now: float) -> None:
        is_open = port.is_open
        if is_open == self._was_open:
            return
        if not is_open:
            self._read(port, now)
            port.forget()
            if not self.ignore_dtr:
                self.station.modem.drop_dtr()
        self._was_open = is_open

    def _read(self, port: Port, now: float) -> None:
        if not self._was_open or self.wedged:
            return
        modem = self.station.modem
        data = port.read(modem.room)
        if data:
            if self._capture:
                self._capture.write(self.station.number, "host", data, now)
            modem.receive_data(data, now)
        if modem.state in PLAYING:
            self._measure(port)

    def _measure(self, port: Port) -> None:
        """Keep the greatest lead: the modem's buffer and what still lies in the PTY."""
        playout = self.station.modem.playout
        backlog = playout.fill_ms
        if not playout.room:
            backlog += playout.ms(port.waiting)
        self.greatest_backlog_ms = max(self.greatest_backlog_ms, backlog)

    def _write(self, port: Port, now: float) -> None:
        data = self.station.modem.data_to_send()
        if self.wedged or not self._was_open:
            return
        if data and self._capture:
            self._capture.write(self.station.number, "modem", data, now)
        port.write(data)

    def unplug(self) -> None:
        """Take the modem away: port, power and call are gone."""
        if self.port is None:
            return
        self._last_name = self.port.name
        self.port.close()
        self.port = None
        self._was_open = False
        self.station.power_cycle()

    def plug_in(self) -> None:
        """Bring the modem back, on a new PTY of another number than the last."""
        if self.port is not None:
            return
        self.port = self._make_port(self.link)
        if self.port.name == self._last_name:
            taken = self.port
            self.port = self._make_port(self.link)  # the same number cannot be given twice
            os.close(taken.master)

    def close(self) -> None:
        """Remove the port for good."""
        if self.port is not None:
            self.port.close()
            self.port = None

    def report(self) -> dict[str, object]:
        """Give the figures of this line, for `status` and the final report."""
        modem, line = self.station.modem, self.station.line
        return {
            "line": self.station.number,
            "dialect": modem.personality.name,
            "port": self.port.name if self.port else "",
            "open": self._was_open,
            "modem": str(modem.state),
            "off_hook": modem.off_hook,
            "line_state": str(line.state),
            "volts": line.volts,
            "calls": line.calls,
            "last_dialled": line.last_dialled,
            "reached_ms": line.reached_ms,
            "backlog_ms": round(modem.playout.fill_ms, 1) if modem.state in PLAYING else 0.0,
            "greatest_backlog_ms": round(self.greatest_backlog_ms, 1),
            "underruns": modem.underruns,
            "overruns": modem.overruns,
            "dropped_bytes": modem.dropped,
            "protocol_faults": dict(modem.guard.faults),
            "last_faults": list(modem.guard.last),
        }
