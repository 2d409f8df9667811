"""The phones' RTP sockets: opened and closed, waited for together, read one packet each in turn."""

from __future__ import annotations

import select
import selectors
from collections.abc import Callable

from appliance.calls.events import DigitPressed
from appliance.carrier.messages import Setup
from appliance.carrier.phone import PACKETS_A_TURN, PhoneLeg, bind_port


class PhoneSide:
    """Owns the sockets' own epoll, which stands in the carrier's selector while phones may wake.

    `tell` is given the keys that are pressed.
    """

    def __init__(
        self, selector: selectors.BaseSelector, tell: Callable[[DigitPressed], None]
    ) -> None:
        self._selector = selector
        self._tell = tell
        self._phones = select.epoll()
        self._legs: dict[int, PhoneLeg] = {}  # by descriptor
        self._next_port = 0
        self.setup: Setup | None = None
        """Says where sockets may be opened."""
        self.may_wake = False

    def prepare(self, leg: str) -> PhoneLeg:
        """Open a leg's socket; raises TechnicianError when no port is free."""
        assert self.setup is not None
        low, high = self.setup.rtp_ports
        sock = bind_port(self.setup.rtp_address, (low, high), self._next_port)
        phone = PhoneLeg(leg, sock)
        self._next_port = (phone.port - low) // 2 + 1  # a port just freed may still be sent to
        self._legs[sock.fileno()] = phone
        self._phones.register(sock, select.EPOLLIN)
        return phone

    def retire(self, phone: PhoneLeg) -> None:
        """Close a leg's socket."""
        self._phones.unregister(phone.socket)
        del self._legs[phone.socket.fileno()]
        phone.close()

    def await_(self, wanted: bool, hear: Callable[[], None]) -> None:
        """Be woken by phones, or (calls go on) look at them whenever modem or clock wake us.

        Their sound is wanted at the modem's own clock only; being woken by each packet besides
        makes up a quarter (one call) to a half (four) of all wake-ups. A key waits 25 ms at most.
        Only as a line is joined it matters when exactly they come.
        """
        if wanted == self.may_wake:
            return
        self.may_wake = wanted
        if wanted:
            self._selector.register(self._phones, selectors.EVENT_READ, lambda _: hear())
        else:
            self._selector.unregister(self._phones)

    def hear(self, now: float) -> None:
        """Take a packet of each phone in turn: one question more says that nothing is left."""
        for _ in range(PACKETS_A_TURN):
            ready = self._phones.poll(0)
            for descriptor, _ in ready:
                for pressed in self._legs[descriptor].receive(now, 1):
                    self._tell(pressed)
            if not ready:
                return

    def close(self) -> None:
        """Give the waiting up; the legs are closed by who has them."""
        self._phones.close()
