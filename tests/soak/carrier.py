"""The real carrier on a virtual clock: its ports, its nursery and its LAN are the soak's own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from typing import cast

from appliance.carrier.phone import PhoneLeg
from appliance.carrier.process import Carrier
from appliance.errors import TechnicianError
from appliance.exchange.outlet import Outlet
from appliance.lines.nursery import Nursery
from tests.soak.keepers import VirtualNursery
from tests.soak.lan import Lan


class VirtualCarrier(Carrier):
    """One carrier process; `die` is what kill -9 does to it."""

    def __init__(self, outlets: Mapping[str, Outlet], lan: Lan, clock: Callable[[], float]) -> None:
        self.nursery = VirtualNursery(outlets)
        self.lan = lan
        self.no_ports = False
        self.lives = True
        self.is_child = False
        """A desk's own child ends when that desk has gone; a unit waits for the next one."""
        super().__init__(cast("Nursery", self.nursery), "", None, clock)

    def step(self) -> None:
        """Let it and its keepers do what they have to do now."""
        if self.lives:
            self.nursery.step(self._clock())
            self.turn(0.0)

    @property
    def has_finished(self) -> bool:
        """True for a child whose desk is gone and whose lines are idle."""
        return self.is_child and self._finished()

    def end(self) -> None:
        """End as a child does whose desk has gone."""
        self.lives = False
        self.close()
        self._close_selectors()

    def die(self) -> None:
        """Be killed: the kernel closes every descriptor, nothing is said to anybody."""
        self.lives = False
        if self._link is not None:
            self._link.close()
        for port in self.ports.values():
            if port._keeper is not None:
                port._keeper.close()
            if port._fd is not None:
                os.close(port._fd)
        for leg in self.switch.legs.values():
            leg.close()
        self.nursery.close()
        self._close_selectors()

    def _close_selectors(self) -> None:
        with contextlib.suppress(OSError):
            self.selector.close()
            self._phones.close()

    def _prepare(self, leg: str) -> PhoneLeg:
        assert self._setup is not None
        if self.no_ports:
            raise TechnicianError("no RTP port is free: give sip.rtp_ports a wider range")
        return PhoneLeg(leg, self.lan.bind(self._setup.rtp_address).as_socket())

    def _retire(self, phone: PhoneLeg) -> None:
        phone.close()

    def _await_phones(self, wanted: bool) -> None:
        """Phones are looked at in every turn: the LAN in memory wakes nobody."""

    def _hear_phones(self) -> None:
        for leg in tuple(self.switch.legs.values()):
            for pressed in leg.receive(self._clock()):
                self._tell(pressed)
