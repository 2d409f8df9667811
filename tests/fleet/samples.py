"""Figures of a small box, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from appliance.calls import events
from appliance.calls.orders import CallRecord, Direction, Result
from appliance.calls.switchboard import Switchboard
from appliance.fleet.prometheus import BoxFigures, GatewayFigures, MetricCounters, PhoneFigures
from appliance.policy.clock import Now
from appliance.policy.reports import StoredCounts
from tests.year import town

if TYPE_CHECKING:
    from appliance.calls.status import Status


AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
CALLER = "0519876543"


def status_of(*facts: events.Event, at: datetime = AT) -> Status:
    """Return the status of the town's switchboard after some facts."""
    switchboard, now = Switchboard(town.OFFICE, "t"), Now(1000.0, at)
    for line in town.LINES:
        list(switchboard.handle(events.LineRestored(line, "CX930xx"), now))
    for fact in facts:
        list(switchboard.handle(fact, now))
    return switchboard.status(now)


def figures_of(
    status: Status, counts: MetricCounters | None = None, now: float = 0.0
) -> BoxFigures:
    """Return figures in which every family has a sample."""
    counts = counts or MetricCounters()
    counts.lines(status, now)
    return BoxFigures(
        at=AT.timestamp(),
        started_at=AT.timestamp() - 60,
        version="1.2.3",
        image="1.2.3-4",
        ready=True,
        status=status,
        tally=counts.tally(now),
        stored=StoredCounts(
            3, 90_500, 2, AT.timestamp() - 1800, (("open", 1),), 4, 1, None, 5000, 9000
        ),
        phones=PhoneFigures(True, 3, 2, 1),
        carrier=GatewayFigures(0.0001, 0.0005, 0.002, 0.04),
        troubles=("voicemail.low",),
        complaints=1,
        restarts=(("carrier", 1),),
        missed=5,
        late=1,
        overdue=2,
    )


def ended(call: str, result: Result = Result.ANSWERED, **more: object) -> CallRecord:
    """Return the record of a call that is over: 12 s of ringing, then 100 s of talk."""
    rang, answered, over = (AT.timestamp() + s for s in (0, 12, 112))
    values: dict[str, object] = {
        "rang_at": datetime.fromtimestamp(rang, UTC),
        "answered_at": datetime.fromtimestamp(answered, UTC),
        "ended_at": datetime.fromtimestamp(over, UTC),
        "result": result,
        "direction": Direction.IN,
        **more,
    }
    return CallRecord(call, "line1", **values)  # type: ignore[arg-type]  # a test's short form
