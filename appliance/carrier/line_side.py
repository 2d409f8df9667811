"""The lines' ports: opened as the desk's Setup has them, each by a keeper of the nursery."""

from __future__ import annotations

import math
import selectors
from collections.abc import Callable

from appliance.carrier.analog import AnalogLine
from appliance.carrier.link import Link
from appliance.carrier.messages import LineSetup, Notice, Setup, StillRinging
from appliance.carrier.port import Port
from appliance.carrier.switch import Switch, Tell
from appliance.errors import ConfigurationError
from appliance.lines.nursery import Nursery


class LineSide:
    """Owns the ports, by the names of their lines; the lines themselves are the switch's."""

    def __init__(
        self,
        nursery: Nursery,
        selector: selectors.BaseSelector,
        switch: Switch,
        tell: Tell,
        clock: Callable[[], float],
    ) -> None:
        self.ports: dict[str, Port] = {}
        self._nursery = nursery
        self._selector = selector
        self._switch = switch
        self._tell = tell
        self._clock = clock

    def set_up(self, setup: Setup, link: Callable[[], Link | None]) -> None:
        """Open what is named and close what is not; a line that is set up as before stays as it is.

        Recorders ask for the `link` of the moment.
        """
        for name in set(self.ports) - {line.name for line in setup.lines}:
            self._remove(name)
        still = {each.line: each for each in setup.ringing}
        for line in setup.lines:
            self._set_up_line(line, setup.lead_ms, link, still.get(line.name))

    def restart(self, name: str) -> None:
        """Close and open a line's port; a name that is not known is passed over."""
        if name in self.ports:
            self.ports[name].restart()

    def born(self) -> None:
        """Give ports the keepers that were born for them; raises PeerError without a nursery."""
        while (born := self._nursery.receive()) is not None:
            port = self.ports.get(born.line)
            if port is None:
                born.sock.close()
            else:
                port.kept_by(born.sock)

    @property
    def due_at(self) -> float:
        """When (monotonic s) the next port has something to do."""
        return min((port.due_at for port in self.ports.values()), default=math.inf)

    def timer(self, now: float) -> None:
        """Have every port do what is due."""
        for port in self.ports.values():
            port.timer(now)

    def flush(self) -> None:
        """Have every port write what it has."""
        for port in self.ports.values():
            port.flush()

    def close(self) -> None:
        """Close every port."""
        for port in self.ports.values():
            port.close()

    def _set_up_line(
        self,
        setup: LineSetup,
        lead_ms: int,
        link: Callable[[], Link | None],
        still: StillRinging | None,
    ) -> None:
        known = self._switch.lines.get(setup.name)
        if known is not None and known.setup == setup:
            known.retell()
            return
        if known is not None:
            self._remove(setup.name)
        try:
            line = AnalogLine(setup, self._tell, link, lead_ms)
        except ConfigurationError as error:
            self._tell(Notice(f"line {setup.name} is not set up: {error}", "error"))
            return
        if still is not None:
            line.found_ringing(still, self._clock())
        self._switch.lines[setup.name] = line
        port = Port(line, setup.path, self._nursery, self._selector, self._clock)
        self.ports[setup.name] = port
        port.open()

    def _remove(self, name: str) -> None:
        self.ports.pop(name).close()
        del self._switch.lines[name]
