"""The real media gateway on a virtual clock: its ports, its fork server and its LAN are the soak's
own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import cast

from appliance.calls.events import DigitPressed
from appliance.errors import TechnicianError
from appliance.media.messages import Setup
from appliance.media.phone_leg import PhoneLeg, PhoneSockets
from appliance.media.process import MediaGateway
from appliance.modem.fork_server import ForkServer
from appliance.simulator.exchange.outlet import Outlet
from tests.soak.lan import Lan
from tests.soak.port_servers import VirtualForkServer


class VirtualPhones(PhoneSockets):
    """The phones' sockets, on a LAN in memory, which wakes nobody: they are read in every turn."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.no_ports = False
        self.may_wake = False
        self.setup: Setup | None = None
        self.legs: list[PhoneLeg] = []
        self.tell: Callable[[DigitPressed], None]

    def prepare(self, leg: str) -> PhoneLeg:
        """Bind a socket of the LAN; none while there is no port."""
        assert self.setup is not None
        if self.no_ports:
            raise TechnicianError("no RTP port is free: give sip.rtp_ports a wider range")
        made = PhoneLeg(leg, self.lan.bind(self.setup.rtp_address).as_socket())
        self.legs.append(made)
        return made

    def retire(self, phone: PhoneLeg) -> None:
        """Close a leg."""
        self.legs.remove(phone)
        phone.close()

    def await_(self, wanted: bool, hear: Callable[[], None]) -> None:
        """Do nothing."""

    def hear(self, now: float) -> None:
        """Read every leg to its end."""
        for leg in tuple(self.legs):
            for pressed in leg.receive(now):
                self.tell(pressed)

    def close(self) -> None:
        """Do nothing: nothing waits."""


class VirtualGateway(MediaGateway):
    """One media gateway process; `die` is what kill -9 does to it."""

    def __init__(self, outlets: Mapping[str, Outlet], lan: Lan, clock: Callable[[], float]) -> None:
        self.fork_server = VirtualForkServer(outlets)
        self.lives = True
        self.is_child = False
        """Call control's own child ends when that call control has gone; a unit waits for the next
        one.
        """
        self.virtual_phones = VirtualPhones(lan)
        super().__init__(cast("ForkServer", self.fork_server), "", None, clock, self.virtual_phones)
        self.virtual_phones.tell = self.control.tell

    def step(self) -> None:
        """Let it and its port servers do what they have to do now."""
        if self.lives:
            self.fork_server.step(self._clock())
            self.turn(0.0)

    @property
    def has_finished(self) -> bool:
        """True for a child whose call control is gone and whose lines are idle."""
        return self.is_child and self._finished()

    def end(self) -> None:
        """End as a child does whose call control has gone."""
        self.lives = False
        self.close()
        self._close_selectors()

    def die(self) -> None:
        """Be killed: the kernel closes every descriptor, nothing is said to anybody."""
        self.lives = False
        if self.control.link is not None:
            self.control.link.close()
        for port in self.lines.ports.values():
            if port._server is not None:
                port._server.close()
            if port._fd is not None:
                os.close(port._fd)
        for leg in self.switch.legs.values():
            leg.close()
        self.fork_server.close()
        self._close_selectors()

    def _close_selectors(self) -> None:
        with contextlib.suppress(OSError):
            self.selector.close()
            self.phones.close()
