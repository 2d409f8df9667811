"""The states of a call in one table (RFC 3261 sections 13 to 15, seen from a phone)."""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Where a call stands."""

    RINGING = "ringing"
    """Theirs; we rang and have not answered."""
    ANSWERED = "answered"
    """Theirs; our 200 waits for its ACK."""
    DIALING = "dialing"
    """Ours; nothing has come back yet."""
    PROCEEDING = "proceeding"
    """Ours; a provisional response has come."""
    CANCELLING = "cancelling"
    """Ours; given up, the INVITE's final answer is still to come."""
    TALKING = "talking"
    ENDED = "ended"


class Step(enum.StrEnum):
    """What moves a call."""

    ANSWER = "answer"
    REFUSE = "refuse"
    CANCELLED = "cancelled"
    ACK = "ack"
    NO_ACK = "no_ack"
    PROVISIONAL = "provisional"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    GIVE_UP = "give_up"
    BYE = "bye"
    """From either end."""


TABLE: dict[tuple[State, Step], State] = {
    (State.RINGING, Step.ANSWER): State.ANSWERED,
    (State.RINGING, Step.REFUSE): State.ENDED,
    (State.RINGING, Step.CANCELLED): State.ENDED,
    (State.RINGING, Step.BYE): State.ENDED,
    (State.ANSWERED, Step.ACK): State.TALKING,
    (State.ANSWERED, Step.NO_ACK): State.ENDED,
    (State.ANSWERED, Step.BYE): State.ENDED,
    (State.DIALING, Step.PROVISIONAL): State.PROCEEDING,
    (State.DIALING, Step.ACCEPTED): State.TALKING,
    (State.DIALING, Step.REFUSED): State.ENDED,
    (State.DIALING, Step.GIVE_UP): State.CANCELLING,
    (State.PROCEEDING, Step.ACCEPTED): State.TALKING,
    (State.PROCEEDING, Step.REFUSED): State.ENDED,
    (State.PROCEEDING, Step.GIVE_UP): State.CANCELLING,
    (State.CANCELLING, Step.REFUSED): State.ENDED,
    # A 2xx that crossed our CANCEL is acknowledged and ended with BYE (RFC 3261 section 9.1).
    (State.CANCELLING, Step.ACCEPTED): State.ENDED,
    (State.TALKING, Step.BYE): State.ENDED,
}
"""What is not here is ignored: it came too late, or twice, and the call stands elsewhere."""


def after(state: State, step: Step) -> State | None:
    """Return the state after a step; None when the step means nothing there."""
    return TABLE.get((state, step))
