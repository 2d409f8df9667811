"""What of our phones only linphone can do: keys by SIP INFO, an attended transfer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls import events
from appliance.sip.registrar import PhoneAccount
from tests.helpers import linphone
from tests.helpers.linphone import Linphone
from tests.interop.handsets import NAME, SECRET
from tests.interop.offices import needed
from tests.sip.office import Office, office

pytestmark = pytest.mark.system


@pytest.fixture
def box() -> Iterator[Office]:
    """A box that knows linphone."""
    needed(linphone.PACKAGE, is_here=linphone.is_installed())
    with office(PhoneAccount(NAME, SECRET)) as made:
        yield made


def answered(box: Office, phone: Linphone, leg: str = "leg") -> None:
    """Ring; the phone answers by itself."""
    box.next(events.PhoneRegistered)
    box.ring(leg, NAME)
    assert box.next(events.OperatorAnswered) == events.OperatorAnswered(leg, NAME)
    phone.wait_for("Media streams established")


def test_linphone_presses_keys_by_info(box: Office, tmp_path: Path) -> None:
    """Set to SIP INFO, its keys are keys all the same, each once."""
    with Linphone(tmp_path, NAME, server=box.address, secret=SECRET, info=True, auto=True) as phone:
        answered(box, phone)
        for key in "5#":
            phone.do(key)
            pressed = events.DigitPressed(key, events.DigitSource.SIP_INFO, leg="leg")
            assert box.next() == pressed
        assert box.is_quiet(0.5)


def test_linphone_asks_for_an_attended_transfer(box: Office, tmp_path: Path) -> None:
    """It consults a second party and wants to join both (Refer-To with Replaces): told with the
    very leg of its other call; refused, both its calls go on; done, it lets both go.
    """
    with Linphone(tmp_path, NAME, server=box.address, secret=SECRET, auto=True) as phone:
        answered(box, phone)
        phone.do("pause")
        assert not box.next(events.MediaAgreed).sending
        phone.do("call 22")
        told = box.next(events.PhoneDialled)
        box.phones.accept(told.leg, *box.listening().getsockname())
        box.next(events.OperatorAnswered)
        phone.wait_for("Call 2 with sip:22@")
        phone.do("transfer 1 --to-call 2")
        asked = box.next(events.TransferAsked)
        attended = events.TransferKind.ATTENDED
        assert asked == events.TransferAsked("leg", NAME, "", attended, told.leg)
        box.phones.tell_transfer("leg", 603)
        assert box.is_quiet(1.0)
        states = {leg.leg: leg.state for leg in box.phones.status().legs}
        assert states == {"leg": "confirmed", told.leg: "confirmed"}
        phone.do("transfer 1 --to-call 2")
        assert box.next(events.TransferAsked) == asked
        box.phones.tell_transfer("leg", 200)
        for leg in (told.leg, "leg"):
            box.phones.hang_up(leg)
            phone.wait_for("ended")
