"""The desk: one thing after the other, also when an order itself brings about the next fact."""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from typing import Any, cast

import pytest

from appliance.calls import events, orders
from appliance.calls.orders import CallRecord, Result
from appliance.calls.switchboard import Switchboard
from appliance.daemon.carrier_side import CarrierSide
from appliance.daemon.desk import Desk
from appliance.daemon.inbox import Inbox
from appliance.daemon.legs import Legs
from appliance.daemon.stores import Stores
from appliance.policy.clock import Now
from tests.calls.desk import NIGHT
from tests.stories.offices import EXAMPLE


class Carrier:
    """A carrier that turns out to be gone when it is given the order `dies_of`."""

    def __init__(self) -> None:
        self.dies_of: type = type(None)
        self.sent: list[Any] = []

    def send(self, message: Any, fd: int | None = None) -> None:
        """Take a message."""
        self.sent.append(message)
        if isinstance(message, self.dies_of):
            self.desk.fact(events.CarrierLost("it has gone"))

    desk: Desk


class Kept:
    """Stores that keep the records as they are written."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.fail = False

    def order(self, order: Any) -> None:
        """Take an order."""
        if self.fail:
            raise OSError("no such thing")
        if isinstance(order, orders.WriteCall):
            self.records.append(order.record)


class AtNight(Desk):
    """A desk at a moment of the night."""

    def now(self) -> Now:
        """Say what time it is."""
        return NIGHT


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    """A desk with a line that is up, and its carrier."""
    made, selector, inbox = Carrier(), selectors.DefaultSelector(), Inbox()
    stores = cast("Stores", Kept())
    made.desk = AtNight(Switchboard(EXAMPLE, "t"), stores, inbox, selector, lambda _: None)
    made.desk.join(cast("CarrierSide", made), cast("Legs", None))
    made.desk.fact(events.LineRestored("line1"))
    yield made
    inbox.close()
    selector.close()


def test_a_carrier_that_dies_of_an_order_leaves_one_final_record(carrier: Carrier) -> None:
    """The carrier's loss is noticed by sending it an order; the orders of the fact before are
    carried out first, so that the record written last is the call's end.
    """
    carrier.dies_of = orders.AnswerLine
    for fact in (events.LineRang("line1"), events.CallerIdentified("line1", events.Caller())):
        carrier.desk.fact(fact)
    written = cast("Kept", carrier.desk._stores).records
    assert [record.ended_at is not None for record in written] == [False, False, True]
    assert written[-1].result is Result.LOST


def test_a_fact_that_cannot_be_heard_leaves_the_desk_able_to_hear(carrier: Carrier) -> None:
    """What goes wrong with one fact (a stop tells the last one all the same) is that fact's."""
    kept = cast("Kept", carrier.desk._stores)
    kept.fail = True
    with pytest.raises(OSError, match="no such thing"):
        carrier.desk.fact(events.LineRang("line1"))
    kept.fail = False
    carrier.desk.fact(events.LineRang("line2"))
    assert [record.line for record in kept.records] == ["line2"]
