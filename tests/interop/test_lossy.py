"""Every phone of this machine on a network that loses the first copy of each SIP message."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.calls import events
from appliance.sip.registrar import PhoneAccount
from tests.helpers.lossy import Lossy
from tests.interop.handsets import NAME, SECRET
from tests.interop.offices import MAKES, BoxWithPhone, take
from tests.interop.voice import Voice
from tests.sip.office import office

pytestmark = pytest.mark.system


@pytest.mark.parametrize("make", MAKES)
def test_all_is_said_twice(make: str, tmp_path: Path) -> None:
    """Registration, INVITE, 200, ACK, hold, resume and BYE all lost once: the call is as any other,
    each fact is told once, and nothing is left behind.
    """
    MAKES[make].needed()
    with office(PhoneAccount(NAME, SECRET)) as box, Lossy(box.address) as relay:
        phone = MAKES[make].handset(tmp_path, relay.where, hears=False, realm="centralino")
        try:
            at = BoxWithPhone(box, phone, relay.where)
            box.next(events.PhoneRegistered, limit=8.0)
            sound = box.ring("leg", NAME)
            with Voice(sound, take(at)) as voice:
                assert voice.wait_for_tone()
                phone.hold()
                assert not box.next(events.MediaAgreed).sending
                phone.resume()
                resumed = box.next(events.MediaAgreed)
                assert resumed.sending
                voice.agree(resumed)
                assert voice.wait_for_tone()
            box.phones.hang_up("leg")
            phone.is_over()
            assert box.is_quiet(2.0)
            assert box.phones.status().legs == ()
        finally:
            phone.stop()
    said = {line.split()[0] for line in relay.lost}
    assert {"REGISTER", "INVITE", "ACK", "BYE", "SIP/2.0"} <= said
