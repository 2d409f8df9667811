"""A call back in vain is counted by itself, with its time and position (E16)."""

from __future__ import annotations

from appliance.calls.orders import CallRecord, Direction, Result
from appliance.policy.voicemail import Entry, MessageStep
from appliance.store.care import Kind

KINDS = {"message": Kind.MESSAGE, "call": Kind.CALL}
DIALLED = "dialled"
"""In the trail of a call out whose number was sent: before that nobody was tried."""


def in_vain(record: CallRecord, asked_by: str = "") -> tuple[Kind, str, Entry] | None:
    """Return what a written record adds to the message or call it was for, None for nothing.

    `asked_by` is the person who asked for it, where that was not done at the phone itself.
    """
    kind, _, name = record.case.partition(":")
    over = record.direction is Direction.OUT and record.ended_at is not None
    if not over or kind not in KINDS or record.ended_at is None:
        return None
    if record.result is not Result.NOT_REACHED or DIALLED not in record.trail:
        return None
    return KINDS[kind], name, Entry(record.ended_at, asked_by or record.phone, MessageStep.FAIL)
