"""Calls that phones make to the box or to each other: what they share, one step of a table."""

# ruff: noqa: ARG001 - the handlers of one table share one signature
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.calls import events, orders
from appliance.calls.side_states import SIDE_LIMITS_MS, SideDo, SideState, SideTable

if TYPE_CHECKING:
    from appliance.calls.desk import Desk
    from appliance.policy.clock import Now

Doings = Mapping[SideDo, Callable[["Desk", Any, Any, "Now"], Iterator[orders.Order]]]


@dataclass(slots=True)
class Side:
    """A call that `phone` made on `leg`; `table` and `doings` are its kind's."""

    leg: str
    phone: str
    table: SideTable
    doings: Doings
    state: SideState = SideState.ACCEPTING
    deadline: float | None = None
    plays: int = 0

    @property
    def legs(self) -> dict[str, str]:
        """The phones on the call, by leg."""
        return {self.leg: self.phone}

    @property
    def play(self) -> str:
        """Name of its latest announcement."""
        return f"key:{self.leg}.{self.plays}"

    @property
    def gives_way(self) -> bool:
        """True while a phone that rings for it counts as free (notices.py)."""
        return False

    @property
    def yields(self) -> bool:
        """True while a caller may have its phone where no other one is free."""
        return False

    def make_way(self) -> Iterator[orders.Order]:
        """Let the phone go for a call that is about to ring it."""
        yield orders.StopRinging(self.leg)

    def new_play(self) -> str:
        """Name an announcement; only the end of the latest one matters."""
        self.plays += 1
        return self.play

    def enter(self, state: SideState, now: Now) -> None:
        """Go to a state and start its limit, if it has one."""
        limit = SIDE_LIMITS_MS.get(state)
        self.state = state
        self.deadline = None if limit is None else now.monotonic + limit / 1000

    def take_told(self) -> tuple[events.Event, ...]:
        """Return what the calls are to hear of it; most kinds have nothing to tell."""
        return ()

    def concerns(self, event: Any) -> bool:
        """Tell whether an event is about this call."""
        match event:
            case events.CarrierLost() | events.BoxStopped():
                return True
            case events.PromptEnded():
                return event.play == self.play
            case events.DeadlinePassed():
                return event.call == self.leg and event.what == self.state.value
            case (
                events.MessageFetched()
                | events.MessageClosed()
                | events.MessageMarked()
                | events.PinChecked()
            ):
                return event.listener == self.leg
        return getattr(event, "leg", "") in self.legs


def begin(desk: Desk, side: Side, now: Now) -> None:
    """Keep a call that a phone makes."""
    side.enter(side.state, now)
    desk.sides[side.leg] = side


def follow(desk: Desk, side: Side, event: Any, now: Now) -> Iterator[orders.Order]:
    """Take one step of the call's table; an event without a row is not its own."""
    was = side.state
    row = side.table[was].get(type(event))
    if row is None:
        return
    yield from side.doings[row.do](desk, side, event, now)
    if len(row.to) == 1 and row.to[0] is not was:
        side.enter(row.to[0], now)
    if side.state is SideState.ENDED and desk.sides.get(side.leg) is side:
        del desk.sides[side.leg]  # else its leg goes on in a call of another kind


# --- what all kinds do --------------------------------------------------------------------------


def hang_up(desk: Desk, side: Side, event: Any, now: Now) -> Iterator[orders.Order]:
    """End every leg."""
    for leg in side.legs:
        yield orders.HangUpPhone(leg)


def forget(desk: Desk, side: Side, event: Any, now: Now) -> Iterator[orders.Order]:
    """The phone has gone: nothing is left to do."""
    yield from ()


COMMON: Doings = {SideDo.HANG_UP: hang_up, SideDo.FORGET: forget}
