"""A position's call outside in the media gateway; no number for help leaves but where a person
asks.
"""

from __future__ import annotations

import pytest

from appliance.calls import orders
from appliance.calls.events import (
    CallerHungUp,
    Evidence,
    FarEnd,
    FarEndProgressed,
    MediaAgreed,
    PromptEnded,
)
from appliance.calls.orders import DialLeg, Flash
from appliance.media import messages
from appliance.media.messages import LineSetup
from appliance.policy.numbering import PLANS
from appliance.simulator.exchange.call import Party
from tests.media.office import Office
from tests.media.test_switch_dialling import progress, reach
from tests.media.virtual import ADDRESS, Hosted

NUMBER = "3331234567"
REAL = PLANS["it"].emergency
LINE = LineSetup("line1", "/dev/serial/by-path/x", emergency=REAL)
BENCH = LineSetup("line1", "lines/line1", emergency=REAL, rehearsal=True)


def test_the_phone_hears_the_line_and_the_far_end_is_then_like_any_caller() -> None:
    """Joined once the number is sent: ring-back, the voice that answers, and its hang-up, told as a
    caller's with its evidence; nothing else is told as the box's own call any more.
    """
    office = Office(Hosted())
    office.one.station.line.wire.extensions = {
        NUMBER: Party(rings=1, says=True, press_after_ms=0, hang_up_after_ms=4000)
    }
    office.order(DialLeg("line1", NUMBER))
    reach(office.one, office.world, FarEnd.DIALLED)
    office.order(orders.PreparePhone("leg1"))
    port = office.phone.socket.getsockname()[1]
    office.order(MediaAgreed("leg1", ADDRESS, port, "ulaw", 101))
    office.order(orders.Connect("line1", "leg1"))
    reach(office.one, office.world, FarEnd.ANSWERED)
    office.world.until(lambda: office.one.heard_of(CallerHungUp), 20_000)
    (released,) = office.one.heard_of(CallerHungUp)
    assert released.evidence in {Evidence.BUSY_TONE, Evidence.CHIP_BUSY}
    assert progress(office.one) == [FarEnd.DIALLED, FarEnd.RINGING, FarEnd.ANSWERED]
    assert set(office.phone.heard) - {0xFF, 0x7F}
    office.phone.close()


@pytest.mark.parametrize("resumes", [True, False])
def test_whom_a_position_has_called_is_held_and_taken_back(resumes: bool) -> None:
    """The phone is sent its sign and then silence, never nothing; the far end's hang-up is noticed
    after the hold.
    """
    office = Office(Hosted())
    office.one.station.line.wire.extensions = {
        NUMBER: Party(rings=1, says=True, press_after_ms=0, hang_up_after_ms=9000)
    }
    office.order(DialLeg("line1", NUMBER))
    reach(office.one, office.world, FarEnd.DIALLED)
    office.order(orders.PreparePhone("leg1"))
    port = office.phone.socket.getsockname()[1]
    office.order(MediaAgreed("leg1", ADDRESS, port, "ulaw", 101))
    office.order(orders.Connect("line1", "leg1"))
    reach(office.one, office.world, FarEnd.ANSWERED)
    office.order(orders.Hold("line1"))
    office.order(orders.Play("sign", ("it/word",), leg="leg1"))
    before = len(office.phone.heard)
    office.world.run(1500)
    assert PromptEnded("sign") in office.told
    assert len(office.phone.heard) - before > 7000, "a second of it, without a gap"
    assert progress(office.one)[-1] is FarEnd.ANSWERED
    if resumes:
        office.order(orders.Connect("line1", "leg1"))
        office.world.until(lambda: office.one.heard_of(CallerHungUp), 20_000)
    else:
        office.order(orders.HangUp("line1"))
        office.world.run(2000)
        assert office.one.line.call is None
    office.phone.close()


def test_what_a_phone_was_being_told_ends_when_it_is_joined_to_a_line() -> None:
    """An announcement would else go on over whoever is called."""
    office = Office(Hosted())
    office.order(orders.PreparePhone("leg1"))
    office.order(orders.Play("p1", ("it/word",), leg="leg1"))
    office.order(orders.Connect("line1", "leg1"))
    assert PromptEnded("p1", whole=False) in office.told
    assert office.switch.announcers == {}
    office.phone.close()


@pytest.mark.parametrize("number", REAL)
@pytest.mark.parametrize("before", ["", "*67#", "#31#"])
def test_no_real_emergency_number_is_dialled_in_a_rehearsal(number: str, before: str) -> None:
    """Demonstration, tests, field tests: not even where a person asks for help, nor disguised."""
    for digits in (before + number, f"{before}{number}55"):
        assert messages.forbids_dialling(BENCH, DialLeg("line1", digits, emergency=True))
        assert messages.forbids_dialling(BENCH, DialLeg("line1", digits))
        assert messages.forbids_dialling(LINE, DialLeg("line1", digits))
    assert messages.forbids_dialling(LINE, Flash("line1", number))
    assert messages.forbids_dialling(LINE, DialLeg("line1", number, emergency=True)) == ""


def test_other_numbers_leave() -> None:
    """An ordinary number, a PBX extension that only begins alike, a number withheld."""
    for setup in (LINE, BENCH):
        assert messages.forbids_dialling(setup, DialLeg("line1", "0112345678")) == ""
        assert messages.forbids_dialling(setup, DialLeg("line1", "*67#0541704111")) == ""
        assert messages.forbids_dialling(setup, Flash("line1", "1150")) == ""
        assert messages.forbids_dialling(setup, Flash("line1", "")) == ""


def test_the_media_gateway_itself_refuses() -> None:
    """Whatever orders it: told as refused, and the line is as it was."""
    office = Office(
        Hosted(LineSetup("line1", "", dialect="conexant", emergency=REAL, rehearsal=True))
    )
    office.order(DialLeg("line1", "112", emergency=True))
    (refused,) = office.one.heard_of(FarEndProgressed)
    assert (refused.progress, refused.detail) == (
        FarEnd.REFUSED,
        "an emergency number is never dialled in a rehearsal",
    )
    assert office.one.line.call is None
    office.order(Flash("line1", "118"))
    assert len(office.one.heard_of(FarEndProgressed)) == 2
    office.phone.close()
