"""The call bar: my call or the one that the answer key takes, and what the phone can do with it.

Pure: the status in, a value out. What the phone can do comes from call control; without a report
of it the bar has no buttons, and calls are served at the phone.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.api.replies import FullStatus
from appliance.calls.phone_control import PhoneControl
from appliance.calls.side_states import SideState
from appliance.calls.states import State
from appliance.console.live import CallView, PositionView, operator_view
from appliance.text import NOTHING, Words, _

HELD_STATES: Final = frozenset(
    one for one in State if one.value in {"on_hold", "transfer_choice", "transfer_ringing"}
)
"""States in which the caller of a position's own call hears music."""

CALLING: Final = _("The number is being called.")
PLACED: Final = {
    SideState.TALKING: _("You are talking with the number that you have called."),
    SideState.ON_HOLD: _("The number that you have called is on hold and hears music."),
}
"""What the bar says of a call outside, by its state."""
WITH_COLLEAGUE: Final = _("Your phone is in a call within the office.")


class BarState(enum.StrEnum):
    """What the bar shows; the style sheet has a look for each."""

    NO_POSITION = "none"
    IDLE = "idle"
    RINGS = "rings"
    TALKS = "talks"
    HOLDS = "holds"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class PhoneActs:
    """What the position's phone can do now; `can_answer`: calls, the key's own first."""

    can_answer: tuple[str, ...] = ()
    can_hold: bool = False
    can_resume: bool = False
    can_hang_up: bool = False
    can_dial: bool = False
    rings: bool = False
    words: Words = NOTHING
    can_alternate: bool = False
    can_hand_over: bool = False


@dataclass(frozen=True, slots=True)
class OwnCall:
    """What a position's phone is in without a caller: it has called somebody, or a colleague."""

    words: Words
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallBar:
    """What the bar shows to a position; `following`: the next call that rings.

    `own`: the phone is in a call without a caller.
    """

    state: BarState
    label: str = ""
    me: PositionView | None = None
    call: CallView | None = None
    following: CallView | None = None
    acts: PhoneActs = PhoneActs()
    own: OwnCall | None = None
    at: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Tell whether a call is shown."""
        return self.call is not None or self.own is not None


def call_bar(status: FullStatus, position: str) -> CallBar:
    """Return the bar of a position ("": none chosen)."""
    view = operator_view(status, position)
    acts = phone_acts(status.controls, position)
    waiting = _in_order([one for one in view.calls if one.waits and not one.mine], acts.can_answer)
    if not position:
        # Somebody at no position sees that it rings, and has no phone to answer it with.
        state = BarState.RINGS if waiting else BarState.NO_POSITION
        return CallBar(state, call=waiting[0] if waiting else None)
    label, me, mine = position_labels(status).get(position, position), view.me, view.mine
    # Handed over, or blindly transferred: the phone is free for the next call.
    if mine is not None and not mine.back and _is_out(status.controls, position):
        mine = None
    if mine is not None:
        held = any(one.call == mine.call and one.state in HELD_STATES for one in status.calls)
        state = BarState.RETURNED if mine.back else BarState.HOLDS if held else BarState.TALKS
        return CallBar(state, label, me, mine, waiting[0] if waiting else None, acts)
    if acts.can_hang_up or acts.can_resume:
        state = BarState.HOLDS if acts.can_resume else BarState.TALKS
        following = waiting[0] if waiting else None
        return CallBar(state, label, me, None, following, acts, own_call(status, position))
    if not waiting:
        return CallBar(BarState.IDLE, label, me, acts=acts, at=status.at)
    following = waiting[1] if len(waiting) > 1 else None
    return CallBar(BarState.RINGS, label, me, waiting[0], following, acts)


def own_call(status: FullStatus, position: str) -> OwnCall:
    """Return the call that a position's phone is in without a caller."""
    for one in status.outgoing:
        if one.phone == position:
            return OwnCall(PLACED.get(one.state, CALLING), one.since)
    return OwnCall(WITH_COLLEAGUE)


def phone_acts(controls: Iterable[PhoneControl], position: str) -> PhoneActs:
    """Return what a position's phone can do; nothing where call control reports none."""
    for one in controls:
        if one.phone == position:
            return PhoneActs(
                tuple(one.can_answer),
                one.can_hold,
                one.can_resume,
                one.can_hang_up,
                one.can_dial,
                one.rings,
                one.words,
                one.can_alternate,
                one.can_hand_over,
            )
    return PhoneActs()


def _is_out(controls: Iterable[PhoneControl], position: str) -> bool:
    """Tell whether a position's phone is known to be in no call."""
    return any(one.phone == position and not one.mine for one in controls)


def position_labels(status: FullStatus) -> Mapping[str, str]:
    """Return the labels of positions by their codes; a phone without a label has its code."""
    return {one.name: one.label or one.name for one in status.phones}


def _in_order(waiting: list[CallView], answerable: tuple[str, ...]) -> list[CallView]:
    """Order waiting calls as the answer key takes them; the others follow as they came."""
    places = {call: place for place, call in enumerate(answerable)}
    return sorted(waiting, key=lambda one: places.get(one.call, len(places)))
