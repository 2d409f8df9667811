"""How the trust in the clock changes: signs that are seen of it, one table, no clock read here.

A box has no battery: after power it begins with the last time it had written down (STALE), or with
none (UNSET), until a time server confirms one. A crystal of a Raspberry Pi drifts by up to 50 ppm,
4 s a day: after a week by itself the time is half a minute off, which hours can bear; after three
months six minutes, which they cannot (reliability.md 6).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from appliance.policy.clock import ClockState

BUILT: Final = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
"""Before this product was made no clock can be right."""
LAST: Final = BUILT + 10 * 365.25 * 86_400
"""Nor ten years after: a time server that says so lies, or a battery has gone bad."""
JUMP_S: Final = 86_400.0
"""No time server in its right mind moves by more than a day a clock that was confirmed."""
LOST_S: Final = 7_200.0
"""timesyncd asks every 34 min at most (PollIntervalMaxSec): after two hours nobody has answered."""
HOLDOVER_S: Final = 7 * 86_400.0
NEAR_S: Final = 60.0
"""A time that a person has set is there when the clock is as near to it as this."""


class Sign(enum.StrEnum):
    """What is seen of the clock."""

    OUT_OF_BOUNDS = "out_of_bounds"  # before the product was made, or ten years later
    IN_BOUNDS = "in_bounds"
    BATTERY = "battery"  # a clock with a battery has given the time at the start
    SYNCED = "synced"  # a time server confirms
    LOST = "lost"  # none has for two hours
    AGED = "aged"  # running by itself for too long
    JUMPED = "jumped"  # by more than a day, though it was confirmed
    CAME_BACK = "came_back"  # from such a jump, by itself
    CONFIRMED = "confirmed"  # by a person who has looked at another clock


_S: Final = ClockState
TABLE: Final[Mapping[tuple[ClockState, Sign], ClockState]] = MappingProxyType({
    **{(state, Sign.OUT_OF_BOUNDS): _S.UNSET for state in _S},
    **{(state, Sign.SYNCED): _S.SYNCED for state in (_S.STALE, _S.HOLDOVER, _S.SYNCED)},
    **{(state, Sign.CONFIRMED): _S.HOLDOVER for state in (_S.STALE, _S.HOLDOVER)},
    **{(state, Sign.JUMPED): _S.STALE for state in (_S.SYNCED, _S.HOLDOVER)},
    (_S.SYNCED, Sign.CONFIRMED): _S.SYNCED,
    (_S.UNSET, Sign.IN_BOUNDS): _S.STALE,
    (_S.STALE, Sign.BATTERY): _S.HOLDOVER,
    (_S.STALE, Sign.CAME_BACK): _S.HOLDOVER,
    (_S.SYNCED, Sign.LOST): _S.HOLDOVER,
    (_S.HOLDOVER, Sign.AGED): _S.STALE,
})  # fmt: skip
"""The state after a sign; what does not stand here changes nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of the clock at a moment: `monotonic` s, `wall` s since 1970.

    `sync_age` is how many s ago a time server confirmed it, None for not since power came;
    `battery` is true where a clock with a battery gives the time.
    """

    monotonic: float
    wall: float
    sync_age: float | None = None
    battery: bool = False

    @property
    def offset(self) -> float:
        """Wall time minus running time: moves only when the clock is set."""
        return self.wall - self.monotonic


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of the clock since power came; times are monotonic s.

    `anchor` is the offset that was confirmed last, None for never; `since` is when that was, or
    when a battery's time was taken; `jumped` is true while the clock is a day from its anchor.
    `wanted` is the offset that a person has asked for and that the clock has not yet.
    """

    state: ClockState = ClockState.STALE
    anchor: float | None = None
    since: float | None = None
    jumped: bool = False
    wanted: float | None = None
    synced_once: bool = False


def look(trust: Trust, seen: Seen, holdover_s: float = HOLDOVER_S) -> Trust:
    """Return the trust after one more look at the clock."""
    if not BUILT <= seen.wall <= LAST:
        state, jumped = after(trust.state, Sign.OUT_OF_BOUNDS), trust.anchor is not None
        return replace(trust, state=state, jumped=jumped)
    trust = replace(trust, state=after(trust.state, Sign.IN_BOUNDS))
    if trust.wanted is not None and abs(seen.offset - trust.wanted) <= NEAR_S:
        trust = confirmed(trust, seen)
    if trust.anchor is not None and abs(seen.offset - trust.anchor) > JUMP_S:
        return replace(trust, state=after(trust.state, Sign.JUMPED), jumped=True)
    if trust.jumped:
        trust = replace(trust, state=after(trust.state, Sign.CAME_BACK), jumped=False)
    return _aged(_by_server(trust, seen), seen, holdover_s)


def confirmed(trust: Trust, seen: Seen) -> Trust:
    """Return the trust after a person has said that the time is right.

    A time that cannot be stays refused: then it is to be set first.
    """
    state = after(trust.state, Sign.CONFIRMED)
    if state is ClockState.UNSET:
        return trust
    return replace(
        trust, state=state, anchor=seen.offset, since=seen.monotonic, jumped=False, wanted=None
    )


def after(state: ClockState, sign: Sign) -> ClockState:
    """Return the state after a sign, by the table."""
    return TABLE.get((state, sign), state)


def _by_server(trust: Trust, seen: Seen) -> Trust:
    """Heed the time server, or the battery at the start."""
    age = seen.sync_age
    if age is not None and age <= LOST_S:
        state = after(trust.state, Sign.SYNCED)
        since = seen.monotonic - max(age, 0.0)
        return replace(trust, state=state, anchor=seen.offset, since=since, synced_once=True)
    if trust.since is None and seen.battery:
        return replace(trust, state=after(trust.state, Sign.BATTERY), since=seen.monotonic)
    return replace(trust, state=after(trust.state, Sign.LOST))


def _aged(trust: Trust, seen: Seen, holdover_s: float) -> Trust:
    if trust.since is not None and seen.monotonic - trust.since > holdover_s:
        return replace(trust, state=after(trust.state, Sign.AGED))
    return trust
