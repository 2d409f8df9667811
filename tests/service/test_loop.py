"""Call control: one thing after the other, also when an order itself brings about the next fact."""

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
from tests.calls.examples import NIGHT, TEN, later
from tests.stories.offices import EXAMPLE


class Link:
    """A media gateway that turns out to be gone when it is given the order `dies_of`."""

    def __init__(self) -> None:
        self.dies_of: type = type(None)
        self.sent: list[Any] = []

    def send(self, message: Any, fd: int | None = None) -> None:
        """Take a message."""
        self.sent.append(message)
        if isinstance(message, self.dies_of):
            self.control.fact(events.MediaGatewayLost("it has gone"))

    control: CallControl


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
    """Call control at a moment of the night."""

    def now(self) -> Now:
        """Say what time it is."""
        return NIGHT


@pytest.fixture
def link() -> Iterator[Link]:
    """Call control with a line that is up, and its media gateway."""
    made, selector, inbox = Link(), selectors.DefaultSelector(), Inbox()
    stores = cast("Stores", Kept())
    made.control = AtNight(Switchboard(EXAMPLE, "t"), stores, inbox, selector, lambda _: None)
    made.control.join(cast("MediaLink", made), cast("Legs", None))
    made.control.fact(events.LineRestored("line1"))
    yield made
    inbox.close()
    selector.close()


def test_a_media_gateway_that_dies_of_an_order_leaves_one_final_record(link: Link) -> None:
    """The media gateway's loss is noticed by sending it an order; the orders of the fact before are
    carried out first, so that the record written last is the call's end.
    """
    link.dies_of = orders.AnswerLine
    for fact in (events.LineRang("line1"), events.CallerIdentified("line1", events.Caller())):
        link.control.fact(fact)
    written = cast("Kept", link.control._stores).records
    assert [record.ended_at is not None for record in written] == [False, False, True]
    assert written[-1].result is Result.LOST


def test_a_fact_that_cannot_be_heard_leaves_call_control_able_to_hear(link: Link) -> None:
    """What goes wrong with one fact (a stop tells the last one all the same) is that fact's."""
    kept = cast("Kept", link.control._stores)
    kept.fail = True
    with pytest.raises(Reported, match="LineRang"):
        link.control.fact(events.LineRang("line1"))
    kept.fail = False
    link.control.fact(events.LineRang("line2"))
    assert [record.line for record in kept.records] == ["line2"]


# --- faults of ours -------------------------------------------------------------------------------


def fails() -> None:
    """Stand for a job with a fault of ours."""
    raise KeyError("planted")


def test_a_job_that_fails_rests_longer_each_time() -> None:
    """No call waits for it: it is tried after 1 s, 2 s ... 300 s, and ends no process."""
    at, tries = [0.0], [0]
    confinement = Confinement(lambda: at[0])

    def tried() -> None:
        tries[0] += 1
        fails()

    for _ in range(3600):
        confinement.run_job("x", tried)
        at[0] += 1.0
    assert 15 <= tries[0] <= 25
    assert not confinement.is_spent
    done: list[int] = []
    at[0] += 300.0
    confinement.run_job("x", lambda: done.append(1))
    confinement.run_job("x", lambda: done.append(2))
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


def test_an_order_that_fails_keeps_no_other_from_being_carried_out(link: Link) -> None:
    """The call of the order comes to safety, the orders behind it are carried out."""
    sent, was = link.sent, link.send

    def send(message: Any, fd: int | None = None) -> None:
        if isinstance(message, orders.AnswerLine):
            raise KeyError("planted")
        was(message, fd)

    link.send = send  # type: ignore[method-assign] # the planted fault
    link.control.fact(events.LineRang("line1"))
    with pytest.raises(Reported):
        link.control.fact(events.CallerIdentified("line1", events.Caller()))
    assert orders.HangUp("line1") in sent
    link.control.fact(events.LineIdle("line1"))
    written = cast("Kept", link.control._stores).records
    assert written[-1].ended_at is not None


class Clocked(CallControl):
    """Call control whose time the test sets; `shown` counts what people were told."""

    moment = TEN
    shown = 0

    def now(self) -> Now:
        """Say what time it is."""
        return self.moment


@pytest.fixture
def ringing() -> Iterator[tuple[Clocked, list[Any]]]:
    """Call control by day at which a call has just rung: its phones wait for their ports."""
    selector, inbox, rung = selectors.DefaultSelector(), Inbox(), []

    def show(_status: Any) -> None:
        control.shown += 1

    class Phones:
        """The SIP thread."""

        def ring(self, *what: object, **_: object) -> None:
            """Take an INVITE, and how much had been shown by then."""
            rung.append((what[0], control.shown))

    stores = cast("Stores", Kept())
    control = Clocked(Switchboard(EXAMPLE, "t"), stores, inbox, selector, show)
    legs = Legs(cast("Any", Phones()), lambda _: None, "192.0.2.1")
    control.join(cast("MediaLink", Silent()), legs)
    for phone in ("op1", "op2"):
        control.fact(events.PhoneRegistered(phone))
    control.fact(events.LineRestored("line1"))
    control.turn(0)
    control.shown = 0
    control.fact(events.LineRang("line1"))
    yield control, rung
    inbox.close()
    selector.close()


class Silent:
    """A media gateway that takes what it is told."""

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
    control, rung = ringing
    control.turn(0)
    hurry = [control.is_in_a_hurry]
    for leg in list(control._legs._waiting if control._legs else ()):
        control.fact(events.PhonePrepared(leg, 16000))
        control.turn(0)
    assert [shown for _, shown in rung] == [0, 0]
    assert [*hurry, control.is_in_a_hurry] == [True, False]
    assert control.shown == 1


def test_a_media_gateway_that_reserves_no_port_hides_nothing(
    ringing: tuple[Clocked, list[Any]],
) -> None:
    """After 50 ms people are shown what there is; a turn does not sleep beyond that."""
    control, rung = ringing
    control.turn(0)
    assert control._timeout(1.0) == pytest.approx(0.05)
    control.moment = later(TEN, 0.051)
    control.turn(0)
    assert (control.shown, rung) == (1, [])
    assert control._timeout(1.0) == 1.0
