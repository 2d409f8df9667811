"""Legs: what stands between the Switchboard's word "ring" and an INVITE that may leave.

A phone is rung only after the carrier has reserved its RTP port (architecture.md, The link), and
a port is released when its leg has ended, however it ended. No thread, no socket: the service
hands it the orders of phones and the facts of both sides, and it calls `phones` and `send`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from appliance.calls import events, orders
from appliance.media.detectors import Keys

LEG_ENDED = (
    events.PhoneHungUp,
    events.PhoneDeclined,
    events.PhoneBusy,
    events.PhoneUnreachable,
)
"""Facts after which a leg's port is of no use to anybody."""


class PhoneSide(Protocol):
    """What legs need of the SIP thread (appliance.sip.service.Phones)."""

    def ring(
        self,
        leg: str,
        phone: str,
        media_address: str,
        media_port: int,
        display: str,
        number: str,
        laws: tuple[str, ...],
        passed: events.Passed | None,
    ) -> None:
        """Send the INVITE."""

    def show(self, leg: str, display: str, number: str) -> None:
        """Show who calls on a phone that rings, or talks, already."""

    def stop_ringing(self, leg: str, answered_elsewhere: bool) -> None:
        """Send the CANCEL."""

    def hang_up(self, leg: str) -> None:
        """Send the BYE."""

    def accept(self, leg: str, media_address: str, media_port: int) -> None:
        """Send the 200 OK."""

    def refuse(self, leg: str, code: int) -> None:
        """Send a refusal."""

    def ask(self, leg: str) -> None:
        """Ask a phone within its call whether it is there."""

    def tell_transfer(self, leg: str, code: int) -> None:
        """Tell a phone how far the transfer is that it asked for."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A leg whose port is being reserved: to be rung, or (phone "") to be accepted."""

    phone: str = ""
    display: str = ""
    number: str = ""
    passed: events.Passed | None = None


@dataclass(slots=True)
class Legs:
    """Keeps which legs wait for a port; `laws` is the preferred order of codings."""

    phones: PhoneSide
    send: Callable[[orders.PreparePhone | orders.ReleasePhone | events.MediaAgreed], None]
    address: str
    laws: tuple[str, ...] = ("alaw", "ulaw")
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    _keys: dict[str, Keys] = field(default_factory=dict)

    @property
    def is_waiting(self) -> bool:
        """True while a phone is to be rung, or taken, that waits for its port."""
        return bool(self._waiting)

    def order(self, order: orders.PhoneOrder) -> None:
        """Carry out one order of the Switchboard."""
        match order:
            case orders.RingPhones():
                self._ring(order)
            case orders.ShowCaller():
                self._show(order)
            case orders.AcceptPhone():
                self._prepare(order.leg, _Waiting())
            case orders.StopRinging():
                if not self._forget(order.leg):
                    self.phones.stop_ringing(order.leg, order.answered_elsewhere)
                self._release(order.leg)
            case orders.HangUpPhone():
                self.phones.hang_up(order.leg)
                self._release(order.leg)
            case orders.RefusePhone():
                self.phones.refuse(order.leg, order.code)
            case orders.TellTransfer():
                self.phones.tell_transfer(order.leg, order.code)

    def is_repeated(self, event: events.Event, now: float) -> bool:
        """Tell a key that was heard already: some phones send each by RTP and by INFO."""
        if not (isinstance(event, events.DigitPressed) and event.leg in self._open):
            return False
        return not self._keys.setdefault(event.leg, Keys()).press(event.source, now)

    def fact(self, event: events.Event) -> None:
        """Act on what phones and carrier said, before the Switchboard hears it."""
        match event:
            case events.PhonePrepared():
                self._prepared(event)
            case events.MediaAgreed() if event.leg in self._open:
                self.send(event)
            case events.PhoneSilent():
                self.phones.ask(event.leg)
            case events.PhoneLost():
                self.phones.hang_up(event.leg)  # where the carrier noticed, its call is still up
                self._release(event.leg)
            case events.CarrierLost():
                self._waiting.clear()
                self._keys.clear()
                self._open.clear()
            case _ if isinstance(event, LEG_ENDED):
                self._release(event.leg)

    def _prepare(self, leg: str, waiting: _Waiting) -> None:
        self._waiting[leg] = waiting
        self._open.add(leg)
        self.send(orders.PreparePhone(leg))

    def _prepared(self, event: events.PhonePrepared) -> None:
        waiting = self._waiting.pop(event.leg, None)
        if waiting is None:
            return  # stopped before it was ready; the port is released already
        if not waiting.phone:
            self.phones.accept(event.leg, self.address, event.port)
            return
        self.phones.ring(
            event.leg,
            waiting.phone,
            self.address,
            event.port,
            waiting.display,
            waiting.number,
            self.laws,
            waiting.passed,
        )

    def _ring(self, order: orders.RingPhones) -> None:
        for ringing in order.ringing:
            waiting = _Waiting(ringing.phone, order.display, order.number, order.passed)
            self._prepare(ringing.leg, waiting)

    def _show(self, order: orders.ShowCaller) -> None:
        """Show it by the INVITE where that waits for its port, else by a request of its own."""
        for leg in order.legs:
            if (waiting := self._waiting.get(leg)) is None:
                self.phones.show(leg, order.display, order.number)
            else:
                shown = replace(waiting, display=order.display, number=order.number)
                self._waiting[leg] = shown

    def _forget(self, leg: str) -> bool:
        return self._waiting.pop(leg, None) is not None

    def _release(self, leg: str) -> None:
        self._waiting.pop(leg, None)
        self._keys.pop(leg, None)
        if leg in self._open:
            self._open.discard(leg)
            self.send(orders.ReleasePhone(leg))
