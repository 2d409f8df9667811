"""The carrier's end of the link: one desk at a time, in the carrier's selector; never raises."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any

from appliance.carrier.link import Link
from appliance.errors import PeerError


class DeskSide:
    """`take` is given each message, `gone` is called when a desk has died or left too much unread.

    A desk that is dropped, for a newer one or at the end, is nobody's news.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        take: Callable[[Any], None],
        gone: Callable[[], None],
    ) -> None:
        self._selector = selector
        self._take = take
        self._gone = gone
        self._mask = 0
        self.link: Link | None = None

    def serve(self, sock: socket.socket) -> None:
        """Take a connection; there must be none."""
        self.link = Link(sock)
        self._mask = selectors.EVENT_READ
        self._selector.register(sock, self._mask, lambda _: self._hear())

    def tell(self, message: Any) -> None:
        """Send a message; without a desk it is nobody's."""
        link = self.link
        if link is None:
            return
        try:
            link.send(message)
        except PeerError:
            link.closed = True
        self._look_after(link)

    def grant(self, recording: str, size: int) -> None:
        """Let more sound of a recording go to the desk."""
        if self.link is not None:
            self.link.grant(recording, size)

    def take_fds(self) -> list[int]:
        """Return the descriptors that came with what is being taken, to be closed by the taker."""
        return self.link.take_fds() if self.link is not None else []

    def drop(self) -> None:
        """Close the connection, if there is one."""
        link, self.link = self.link, None
        if link is not None:
            self._selector.unregister(link.socket)
            link.close()

    def _hear(self) -> None:
        link = self.link
        if link is None:
            return
        try:
            for message in link.receive():
                self._take(message)
            link.flush()
        except PeerError:
            link.closed = True
        self._look_after(link)

    def _look_after(self, link: Link) -> None:
        if link is not self.link:
            return
        if link.closed:
            self.drop()
            self._gone()
            return
        mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_to_write else 0)
        if mask != self._mask:
            self._mask = mask
            self._selector.modify(link.socket, mask, lambda _: self._hear())
