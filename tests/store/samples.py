"""Records and messages for tests of the stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from appliance.calls.events import Caller, Evidence, Presentation
from appliance.calls.orders import CallRecord, Result
from appliance.policy.routing import Destination
from appliance.store.voicemail import Message

ROME = timezone(timedelta(hours=1))
TEN = datetime(2026, 11, 25, 10, 0, tzinfo=ROME)
SHOWN = Caller(Presentation.SHOWN, "051234567", "ROSSI")
WITHHELD = Caller(Presentation.WITHHELD)


def a_call(call: str = "a-1", result: Result = Result.OPEN, minute: int = 0) -> CallRecord:
    """Make the record of a call that rang `minute` minutes past ten."""
    return CallRecord(call, "line1", TEN + timedelta(minutes=minute), caller=SHOWN, result=result)


def an_ended_call() -> CallRecord:
    """Make a record with every field filled."""
    return CallRecord(
        call="a-9",
        line="line2",
        rang_at=TEN,
        clock_state="holdover",
        called="800011837",
        caller=SHOWN,
        way=Destination.VOICEMAIL,
        reason="closed.hours",
        phone="op1",
        answered_at=TEN + timedelta(seconds=9),
        ended_at=datetime(2026, 11, 25, 9, 1, tzinfo=UTC),
        result=Result.MESSAGE,
        evidence=Evidence.BUSY_TONE,
        release_ms=2100,
        message="m1",
        trail=("rang", "è tornato"),
        sheets=("imu", "città"),
    )


def a_message(ident: str = "m1", call: str = "a-1", sha256: str = "ab" * 32) -> Message:
    """Make a message of a call."""
    return Message(
        ident, call, f"new/{ident}.wav", "ulaw", 61_500, sha256, TEN, line="line1", caller=SHOWN
    )
