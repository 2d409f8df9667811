"""The desk: one thing after the other, also when an order itself brings about the next fact."""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from typing import Any, cast

import pytest

from appliance.calls import events, orders
from appliance.calls.orders import CallRecord, Result
from appliance.calls.switchboard import Switchboard
from appliance.policy.clock import Now
from appliance.service.loop import MOST, WITHIN_S, CallControl, Confinement, Inbox
from appliance.service.media_link import Legs, MediaLink
from appliance.service.stores import Stores
from appliance.workers import Reported
from tests.calls.desk import NIGHT, TEN, later
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

    desk: CallControl


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


class AtNight(CallControl):
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
    made.desk.join(cast("MediaLink", made), cast("Legs", None))
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
    with pytest.raises(Reported, match="LineRang"):
        carrier.desk.fact(events.LineRang("line1"))
    kept.fail = False
    carrier.desk.fact(events.LineRang("line2"))
    assert [record.line for record in kept.records] == ["line2"]


# --- faults of ours -------------------------------------------------------------------------------


def fails() -> None:
    """Stand for a job with a fault of ours."""
    raise KeyError("planted")


def test_a_chore_that_fails_rests_longer_each_time() -> None:
    """No call waits for it: it is tried after 1 s, 2 s ... 300 s, and ends no process."""
    at, tries = [0.0], [0]
    confinement = Confinement(lambda: at[0])

    def tried() -> None:
        tries[0] += 1
        fails()

    for _ in range(3600):
        confinement.chore("x", tried)
        at[0] += 1.0
    assert 15 <= tries[0] <= 25
    assert not confinement.is_spent
    done: list[int] = []
    at[0] += 300.0
    confinement.chore("x", lambda: done.append(1))
    confinement.chore("x", lambda: done.append(2))
    assert done == [1, 2]


def test_faults_that_come_slowly_are_each_their_own() -> None:
    """Only so many within a minute are a fault that stays."""
    at = [0.0]
    confinement = Confinement(lambda: at[0])
    for _ in range(3 * MOST):
        with confinement.one():
            fails()
        at[0] += WITHIN_S / MOST * 1.1
    assert not confinement.is_spent
    for _ in range(MOST):
        with confinement.one():
            fails()
    assert confinement.is_spent


def test_an_order_that_fails_keeps_no_other_from_being_carried_out(carrier: Carrier) -> None:
    """The call of the order comes to safety, the orders behind it are carried out."""
    sent, was = carrier.sent, carrier.send

    def send(message: Any, fd: int | None = None) -> None:
        if isinstance(message, orders.AnswerLine):
            raise KeyError("planted")
        was(message, fd)

    carrier.send = send  # type: ignore[method-assign] # the planted fault
    carrier.desk.fact(events.LineRang("line1"))
    with pytest.raises(Reported):
        carrier.desk.fact(events.CallerIdentified("line1", events.Caller()))
    assert orders.HangUp("line1") in sent
    carrier.desk.fact(events.LineIdle("line1"))
    written = cast("Kept", carrier.desk._stores).records
    assert written[-1].ended_at is not None


class Clocked(CallControl):
    """A desk whose time the test sets; `shown` counts what people were told."""

    moment = TEN
    shown = 0

    def now(self) -> Now:
        """Say what time it is."""
        return self.moment


@pytest.fixture
def ringing() -> Iterator[tuple[Clocked, list[Any]]]:
    """A desk by day at which a call has just rung: its phones wait for their ports."""
    selector, inbox, rung = selectors.DefaultSelector(), Inbox(), []

    def show(_status: Any) -> None:
        desk.shown += 1

    class Phones:
        """The SIP thread."""

        def ring(self, *what: object) -> None:
            """Take an INVITE, and how much had been shown by then."""
            rung.append((what[0], desk.shown))

    stores = cast("Stores", Kept())
    desk = Clocked(Switchboard(EXAMPLE, "t"), stores, inbox, selector, show)
    legs = Legs(cast("Any", Phones()), lambda _: None, "192.0.2.1")
    desk.join(cast("MediaLink", Silent()), legs)
    for phone in ("op1", "op2"):
        desk.fact(events.PhoneRegistered(phone))
    desk.fact(events.LineRestored("line1"))
    desk.turn(0)
    desk.shown = 0
    desk.fact(events.LineRang("line1"))
    yield desk, rung
    inbox.close()
    selector.close()


class Silent:
    """A carrier that takes what it is told."""

    def send(self, *_: Any) -> None:
        """Take it."""

    def timer(self, _now: float) -> None:
        """Have nothing to do."""

    def next_deadline(self) -> None:
        """Wait for nothing."""


def test_phones_ring_before_anybody_is_shown_that_they_do(
    ringing: tuple[Clocked, list[Any]],
) -> None:
    """What consoles, LEDs and figures cost comes after the last INVITE, not between RING and it."""
    desk, rung = ringing
    desk.turn(0)
    hurry = [desk.is_in_a_hurry]
    for leg in list(desk._legs._waiting if desk._legs else ()):
        desk.fact(events.PhonePrepared(leg, 16000))
        desk.turn(0)
    assert [shown for _, shown in rung] == [0, 0]
    assert [*hurry, desk.is_in_a_hurry] == [True, False]
    assert desk.shown == 1


def test_a_carrier_that_reserves_no_port_hides_nothing(
    ringing: tuple[Clocked, list[Any]],
) -> None:
    """After 50 ms people are shown what there is; a turn does not sleep beyond that."""
    desk, rung = ringing
    desk.turn(0)
    assert desk._timeout(1.0) == pytest.approx(0.05)
    desk.moment = later(TEN, 0.051)
    desk.turn(0)
    assert (desk.shown, rung) == (1, [])
    assert desk._timeout(1.0) == 1.0
