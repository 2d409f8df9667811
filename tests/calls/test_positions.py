"""Positions that are away, and short rings: what a story cannot say."""

from __future__ import annotations

from dataclasses import replace

from appliance.calls import events, orders
from appliance.calls.commands import SetAllAbsent, SetAway
from appliance.calls.manual_states import REMIND
from appliance.policy.office import StaffKey
from appliance.policy.opening import NO_MANUAL_STATES, ManualMark
from tests.calls.examples import TEN, later, tell, up

AWAY = events.ServiceStateChanged(SetAway(on=True, by="op1"))


def rung(given: list[orders.Order]) -> list[str]:
    """Name the phones that ring."""
    return [
        r.phone for order in given if isinstance(order, orders.RingPhones) for r in order.ringing
    ]


def test_a_reminder_that_crossed_the_coming_back_rings_nobody() -> None:
    """A deadline that was due as the position came back means nothing."""
    assert tell(up(), TEN, events.DeadlinePassed(REMIND, "op1")) == []


def test_a_phone_has_one_notice_at_a_time() -> None:
    """E3, E4: a position that is reminded as "all absent" ends rings once."""
    switchboard = up()
    hour = later(TEN, 3600)
    absent = SetAllAbsent(on=True, by="capo", until=hour.wall)
    tell(switchboard, TEN, AWAY, events.ServiceStateChanged(absent))
    rang = [
        phone for passed in switchboard.due(hour) for phone in rung(tell(switchboard, hour, passed))
    ]
    assert sorted(rang) == ["desk1", "desk2", "op1", "op2"]


def test_a_position_that_was_away_before_a_restart_is_reminded_too() -> None:
    """What was kept of the manual states counts from when it began."""
    switchboard = up()
    switchboard._board.service = NO_MANUAL_STATES.go_away("op1", ManualMark("op1", TEN.wall))
    soon = later(TEN, 3000)
    tell(switchboard, soon, events.MessagesWaiting(0))
    assert switchboard.next_deadline() == TEN.monotonic + 3600
    assert rung(tell(switchboard, later(TEN, 3600), *switchboard.due(later(TEN, 3600)))) == ["op1"]


def test_a_phone_that_no_group_rings_never_counts_as_a_position() -> None:
    """The head's own telephone misses nothing: it is no position."""
    switchboard = up()
    tell(switchboard, TEN, events.PhoneRegistered("capo1"), events.PhoneDialled("d", "op1", "30"))
    tell(switchboard, later(TEN, 30), *switchboard.due(later(TEN, 30)))
    assert switchboard.status(later(TEN, 30)).service == NO_MANUAL_STATES


def test_a_reminder_names_no_key_that_the_office_has_not() -> None:
    """E3: an office whose phones have no key for coming back reads the time alone."""
    switchboard = up()
    keys = (code for code in switchboard._board.office.key_codes if code.what is not StaffKey.AWAY)
    switchboard._board.office = replace(switchboard._board.office, key_codes=tuple(keys))
    tell(switchboard, TEN, AWAY)
    hour = later(TEN, 3600)
    (rings,) = (
        order
        for order in tell(switchboard, hour, *switchboard.due(hour))
        if isinstance(order, orders.RingPhones)
    )
    assert rings.display == "Assente da 60 min"


def test_a_phone_rings_for_a_try_twice_and_gives_way() -> None:
    """Ten seconds, a text on its display; an answer hears a sentence and changes no position."""
    switchboard = up()
    tell(switchboard, TEN, AWAY)
    (ring,) = tell(switchboard, TEN, events.RingTried("op1"))
    assert isinstance(ring, orders.RingPhones)
    assert (rung([ring]), ring.display) == (["op1"], "Prova di squillo")
    leg = ring.ringing[0].leg
    given = tell(switchboard, TEN, events.OperatorAnswered(leg, "op1"))
    (heard,) = (one for one in given if isinstance(one, orders.Play))
    assert heard.prompts == ("it/welcome",)
    assert switchboard.status(TEN).service.away_mark("op1") is not None
    # It is in use now: a second try is refused, and rings nothing.
    why = switchboard.why_no_ring("op1")
    assert why is not None
    assert "in uso" in why.text("it")
    assert tell(switchboard, TEN, events.RingTried("op1")) == []


def test_a_phone_that_is_not_registered_cannot_be_tried() -> None:
    """Whoever asks is told what to look at."""
    switchboard = up()
    assert switchboard.why_no_ring("op2") is None
    why = switchboard.why_no_ring("nobody")
    assert why is not None
    assert "non è registrato" in why.text("it")
    assert tell(switchboard, TEN, events.RingTried("nobody")) == []
