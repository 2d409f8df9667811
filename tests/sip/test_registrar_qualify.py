"""A phone that loses its power is known to be gone within 35 s, whatever it has said before."""

from __future__ import annotations

import dataclasses

import pytest

from appliance.calls import events
from appliance.sip.message import SipMessage
from appliance.sip.registrar import Binding, PhoneAccount, bindings_from_json, bindings_to_json
from tests.sip.test_registrar import SECRET, Registrant
from tests.sip.world import BOX, PHONE, Bench, box_endpoint, endpoint, response

LIMIT_S = 35.0
HOUR = "Expires: 3600"


@pytest.fixture
def bench() -> Bench:
    """A box that asks every 30 s, and its one phone."""
    return Bench(box_endpoint(PhoneAccount("21", SECRET), qualify_s=30.0))


def question(sent: list[SipMessage]) -> SipMessage:
    """Return the one OPTIONS among what was sent."""
    (found,) = [message for message in sent if message.method == "OPTIONS"]
    return found


def granted(ok: SipMessage) -> str:
    """Return the seconds that a registration was given."""
    return ok.get("Contact").rpartition("=")[2]


def gone(bench: Bench) -> bool:
    """Tell whether call control was told that the phone is gone."""
    return any(isinstance(event, events.PhoneGone) for event in bench.events())


def test_a_phone_that_never_answers_is_missed_in_time(bench: Bench) -> None:
    """It keeps silent to every OPTIONS and has to register more often: then it is cut off."""
    phone = Registrant(bench)
    for _ in range(3):
        assert granted(phone.register(HOUR)) == "30"
        bench.wait(25.0)
    assert not gone(bench), "it is there as long as it registers"
    bench.wait(LIMIT_S)
    assert gone(bench)


def test_a_phone_that_answers_registers_as_seldom_as_before(bench: Bench) -> None:
    """One answer is enough; from then on its silence tells, and two minutes are granted."""
    phone = Registrant(bench)
    phone.register(HOUR)
    bench.receive(response(question(bench.wait(0.1)), 200))
    assert granted(phone.register(HOUR)) == "120"
    bench.wait(LIMIT_S)
    assert gone(bench)


def test_few_packets_are_sent(bench: Bench) -> None:
    """A phone that is there is asked twice a minute, and not more often because it is silent."""
    phone, asked = Registrant(bench), 0
    for _ in range(12):
        phone.register(HOUR)
        sent = bench.wait(20.0)
        asked += sum(1 for message in sent if message.method == "OPTIONS")
    # each question is sent up to 4 times in the 5 s in which it is waited for (RFC 3261 17.1.2)
    assert asked <= 12 * 20 / 30 * 11


def test_the_networks_word_is_believed_of_every_phone(bench: Bench) -> None:
    """ICMP says that nobody is there: it never answered, and is gone all the same, at once."""
    Registrant(bench).register(HOUR)
    question(bench.wait(0.1))
    assert not gone(bench)
    bench.box.refused(PHONE, bench.now)
    assert gone(bench)


def test_who_is_never_asked_need_not_answer() -> None:
    """With qualify switched off every registration is as long as the office says."""
    bench = Bench(box_endpoint(PhoneAccount("21", SECRET)))
    assert granted(Registrant(bench).register(HOUR)) == "120"


def test_a_restart_of_call_control_forgets_no_answer() -> None:
    """That a phone had answered is kept with its registration: its silence tells after it, too."""
    kept = Binding("21", PHONE, "sip:21@192.0.2.21:5060", 120.0, proven=True)
    text = bindings_to_json((kept,))
    assert bindings_from_json(text, 0.0, 120) == (kept,)
    doubtful = dataclasses.replace(kept, proven=False)
    found = {}
    for binding in (kept, doubtful):
        box = endpoint(BOX, PhoneAccount("21", SECRET), qualify_s=30.0)
        box.start(0.0, (binding,))
        bench = Bench(box)
        bench.wait(LIMIT_S)
        found[binding.proven] = gone(bench)
    assert found == {True: True, False: False}
