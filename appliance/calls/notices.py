"""Short rings that tell a phone something: its display says what, whoever lifts hears it.

A notice gives way at once: a phone that rings with one counts as free, and a call that rings it
takes its place.
"""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.calls import announcements, orders, sides
from appliance.calls.marks import become
from appliance.calls.orders import Order
from appliance.calls.side_states import NOTICE_TABLE, SideDo, SideState
from appliance.calls.sides import Doings, Side
from appliance.policy.clock import Now

if TYPE_CHECKING:
    from appliance.calls.desk import Desk

BACK = "state_away_off"
"""Heard by whoever lifts for a reminder: the position is back."""
ALL_BACK = "state_absent_off"
RING_MS = 10_000
"""Two rings: one second of tone, four of pause (ITU-T E.180 for Italy)."""


@dataclass(slots=True)
class Notice(Side):
    """A phone that is told something; `prompt` is heard by whoever lifts."""

    prompt: str = ""

    @property
    def gives_way(self) -> bool:
        """True until somebody lifts."""
        return self.state is SideState.RINGING


def tell(desk: Desk, phone: str, display: str, prompt: str, now: Now) -> Iterator[Order]:
    """Ring a phone that is there and free, twice."""
    if phone not in desk.reachable or phone in desk.engaged():
        return
    if any(side.gives_way and side.phone == phone for side in desk.sides.values()):
        return
    side = Notice(
        f"{desk.new_id()}.notice", phone, NOTICE_TABLE, DOINGS, SideState.RINGING, prompt=prompt
    )
    sides.begin(desk, side, now)
    side.deadline = now.monotonic + RING_MS / 1000
    yield orders.RingPhones(side.leg, (orders.Ringing(side.leg, phone),), display)


def make_way(desk: Desk, phones: Collection[str]) -> Iterator[Order]:
    """Stop what gives way on phones that a call is about to ring."""
    for side in list(desk.sides.values()):
        if (side.gives_way or side.yields) and side.phone in phones:
            del desk.sides[side.leg]
            yield from side.make_way()


def _stop(desk: Desk, side: Notice, event: Any, now: Now) -> Iterator[Order]:
    """Nobody lifted: the display is what was to be seen."""
    yield orders.StopRinging(side.leg)


def _speak(desk: Desk, side: Notice, event: Any, now: Now) -> Iterator[Order]:
    if side.prompt == BACK:
        yield from become(desk, desk.service.come_back(side.phone))
    words = announcements.for_staff(desk.office, side.prompt)
    yield orders.Play(side.new_play(), words, leg=side.leg)


DOINGS: Doings = {**sides.COMMON, SideDo.GIVE_UP: _stop, SideDo.SPEAK: _speak}
