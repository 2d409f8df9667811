"""Two phones of the office talk: one dials the other's extension.

A phone that is engaged is not rung (a second call would only beep in somebody's ear); one that is
away is: whoever dials it by name may know better.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from appliance.calls import notices, orders, sides
from appliance.calls.desk import Desk
from appliance.calls.events import PhoneBusy, PhoneDeclined, PhoneDialled
from appliance.calls.orders import Order
from appliance.calls.side_states import INTERCOM_TABLE, SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.policy.clock import Now
from appliance.policy.transfers import Allowed, Reason

BUSY, DECLINED, NOT_THERE, NO_SERVICE = 486, 603, 480, 503
"""What the phone that dialled is told (RFC 3261, 21): busy, declined, nobody there, no sound."""
ANSWERS: dict[type, int] = {PhoneBusy: BUSY, PhoneDeclined: DECLINED}


@dataclass(slots=True)
class Intercom(Side):
    """A call from `phone` to `other`, which rings or talks on `other_leg`.

    `consulted` is the office that was dialled by its code, and `reason` why (consulting.py).
    """

    other: str = ""
    consulted: Allowed | None = None
    reason: Reason = Reason.OTHER

    @property
    def other_leg(self) -> str:
        """Name of the other phone's leg."""
        return f"{self.leg}.other"

    @property
    def legs(self) -> dict[str, str]:
        """Both phones, by leg."""
        return {self.leg: self.phone, self.other_leg: self.other}

    def across(self, leg: str) -> str:
        """Name the leg that is joined to this one; "" while nobody has answered."""
        legs = [each for each in self.legs if each != leg]
        return legs[0] if self.state is SideState.TALKING and len(legs) == 1 else ""


def call(
    desk: Desk,
    event: PhoneDialled,
    other: str,
    now: Now,
    consulted: Allowed | None = None,
    reason: Reason = Reason.OTHER,
) -> Iterator[Order]:
    """Ring the other phone, unless it is engaged or not there."""
    if other in desk.engaged() or other == event.phone:
        yield orders.RefusePhone(event.leg, BUSY)
        return
    if other not in desk.reachable:
        yield orders.RefusePhone(event.leg, NOT_THERE)
        return
    side = Intercom(
        event.leg, event.phone, INTERCOM_TABLE, DOINGS, SideState.RINGING,
        other=other, consulted=consulted, reason=reason,
    )  # fmt: skip
    sides.begin(desk, side, now)
    yield from notices.make_way(desk, (other,))
    ringing = (orders.Ringing(side.other_leg, other),)
    own = desk.office.extension_of(event.phone)
    label, number = (own.label, own.digits) if own else ("", "")
    yield orders.RingPhones(event.leg, ringing, label or event.phone, number)


def _accept(desk: Desk, side: Intercom, event: Any, now: Now) -> Iterator[Order]:
    """The other one lifted: now the phone that dialled is answered too."""
    yield orders.AcceptPhone(side.leg)


def _join(desk: Desk, side: Intercom, event: Any, now: Now) -> Iterator[Order]:
    yield orders.Join(side.leg, side.other_leg)


def _part(desk: Desk, side: Intercom, event: Any, now: Now) -> Iterator[Order]:
    """One of the two has gone: the other one is told."""
    if side.state is not SideState.RINGING:
        yield orders.HangUpPhone(side.other_leg if event.leg == side.leg else side.leg)
    elif event.leg == side.leg:
        yield orders.StopRinging(side.other_leg)
    else:
        yield orders.RefusePhone(side.leg, ANSWERS.get(type(event), NOT_THERE))


def _give_up(desk: Desk, side: Intercom, event: Any, now: Now) -> Iterator[Order]:
    """Nobody lifted in time, or there is no sound to be had."""
    yield orders.StopRinging(side.other_leg)
    yield orders.RefusePhone(side.leg, NOT_THERE if desk.carrier else NO_SERVICE)


DOINGS: Doings = {
    **sides.COMMON,
    SideDo.ACCEPT: _accept,
    SideDo.JOIN: _join,
    SideDo.PART: _part,
    SideDo.GIVE_UP: _give_up,
}
