"""The box as a user agent of a telephone system: registered, renewed, back after the network."""

from __future__ import annotations

import random

import pytest

from appliance.calls import events
from appliance.sip.endpoint import Endpoint
from appliance.sip.message import SipMessage
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import DigestLogin, PhoneAccount, PhonesSettings, RegistrarAccount
from appliance.sip.trunk import RegistrationState, TrunkRegistration
from tests.sip.world import BOX, PHONE, Bench, box_endpoint, response

REGISTRAR = PHONE
CHALLENGE = 'Digest realm="hall", nonce="n1", qop="auth"'
OWN = "<sip:centralino@192.0.2.1:5060>"


@pytest.fixture
def bench() -> Bench:
    """Return a box with an account at a registrar, where its phone 21 stands."""
    settings = PhonesSettings(
        *BOX,
        (PhoneAccount("21", fixed_address=REGISTRAR),),
        registrar=RegistrarAccount(REGISTRAR, "box", "s3cret"),
    )
    made = Endpoint(settings, parse, lambda _: BOX, random.Random(1).randbytes)
    made.start(0.0)
    return Bench(made)


def asked(bench: Bench, seconds: float = 0.0) -> list[SipMessage]:
    """Return the REGISTERs of the next seconds."""
    return [m for m in bench.wait(seconds) if m.method == "REGISTER"]


def kept(bench: Bench) -> TrunkRegistration:
    """Return the box's registration."""
    assert bench.box.registration
    return bench.box.registration


def registered(bench: Bench, expires: int = 60) -> SipMessage:
    """Let the registrar challenge and accept; returns the accepted REGISTER."""
    (first,) = asked(bench)
    extra = f"WWW-Authenticate: {CHALLENGE}"
    (second,) = bench.receive(response(first, 401, tag="r", extra=extra))
    contact = f"<sip:else@192.0.2.9>;expires=999\nContact: {OWN};expires={expires}"
    bench.receive(response(second, 200, tag="r", contact=contact))
    return second


def test_registered_by_digest(bench: Bench) -> None:
    """REGISTER for its own name, 401, answered; the same Call-ID, a higher number (10.2)."""
    accepted = registered(bench)
    assert accepted.uri == "sip:192.0.2.21:5060"
    assert accepted.get("To") == accepted.get("From").partition(";")[0] == "<sip:box@192.0.2.21>"
    assert accepted.get("Contact") == OWN
    assert 'username="box"' in accepted.get("Authorization")
    assert kept(bench).state is RegistrationState.REGISTERED


def test_renewed_half_way_for_ever(bench: Bench) -> None:
    """By what the registrar granted to our own contact, not to another's."""
    first = registered(bench)
    for number in range(1, 4):
        assert asked(bench, 29.0) == []
        (again,) = asked(bench, 1.4)
        assert (again.call_id, again.fields.cseq) == (first.call_id, first.fields.cseq + number)
        bench.receive(response(again, 200, tag="r", extra="Expires: 60"))


def test_a_proxys_challenge(bench: Bench) -> None:
    """407 is answered like 401."""
    (first,) = asked(bench)
    extra = f"Proxy-Authenticate: {CHALLENGE}"
    (second,) = bench.receive(response(first, 407, tag="r", extra=extra))
    assert second.get("Proxy-Authorization")


def test_a_wrong_password_is_said_and_tried_once_a_minute(bench: Bench) -> None:
    """Told as refused; a registrar is not besieged."""
    (message,) = asked(bench)
    for _ in range(4):
        extra = f"WWW-Authenticate: {CHALLENGE}"
        sent = bench.receive(response(message, 401, tag="r", extra=extra))
        if sent:
            (message,) = sent
    assert kept(bench).state is RegistrationState.REFUSED
    assert asked(bench, 59.0) == []
    assert len(asked(bench, 1.5)) == 2


def test_a_registration_too_brief(bench: Bench) -> None:
    """423: asked again for as long as the registrar wants (10.2.8); nonsense is a refusal."""
    (first,) = asked(bench)
    (second,) = bench.receive(response(first, 423, tag="r", extra="Min-Expires: 3600"))
    assert second.get("Expires") == "3600"
    bench.receive(response(second, 423, tag="r", extra="Min-Expires: soon"))
    assert kept(bench).state is RegistrationState.REFUSED


def test_back_within_seconds_of_a_short_break(bench: Bench) -> None:
    """Cable out: each try fails; back after half a minute, at most 16 s pass until a REGISTER."""
    registered(bench)
    bench.wait(30.5)
    for _ in range(4):
        bench.wait(7.3)
        assert kept(bench).state is RegistrationState.SILENT
    while not (heard := asked(bench, 0.5)):
        assert bench.now < 30.5 + 4 * 7.3 + 16.0
    assert heard
    bench.receive(response(heard[-1], 200, tag="r", extra="Expires: 60"))
    assert kept(bench).state is RegistrationState.REGISTERED


def test_a_network_that_refuses(bench: Bench) -> None:
    """ICMP, or no route: known at once, tried again after 2 to 4 s."""
    asked(bench)
    bench.box.refused(REGISTRAR, bench.now)
    assert kept(bench).state is RegistrationState.SILENT
    assert asked(bench, 1.9) == []
    assert {message.fields.cseq for message in asked(bench, 2.2)} == {2}


def test_an_answer_to_an_older_try_is_no_news(bench: Bench) -> None:
    """Only the newest REGISTER's answer counts."""
    (first,) = asked(bench)
    bench.wait(8.1)
    bench.receive(response(first, 403, tag="r"))
    assert kept(bench).state is RegistrationState.SILENT


def test_signed_off_at_the_end(bench: Bench) -> None:
    """A clean stop takes the contact away (10.2.2); one that was never registered has none."""
    registered(bench)
    bench.box.stop(bench.now)
    (last,) = asked(bench)
    assert last.get("Expires") == "0"
    assert bench.box.registration
    kept(bench).stop(bench.now)
    assert asked(bench) == []


@pytest.mark.parametrize(("code", "gone"), [(404, True), (480, True), (200, False), (405, False)])
def test_a_phone_that_is_not_there(bench: Bench, code: int, gone: bool) -> None:
    """The registrar answers for its phones: 404 or 480 means that the phone cannot be reached."""
    question = next(m for m in bench.wait(0.0) if m.method == "OPTIONS")
    assert question.uri == "sip:21@192.0.2.21:5060"
    bench.say(question, code)
    told = [events.PhoneGone("21", "nothing answers at its address")] if gone else []
    assert bench.events() == told


def test_a_proxy_that_wants_a_password_says_nothing_of_the_phone() -> None:
    """OPTIONS challenged by the registrar is asked again with credentials; what the phone, or the
    proxy for it, then says counts; a second challenge is no answer of a phone that is gone.
    """
    bench = Bench(box_endpoint(qualify_s=30.0))
    bench.box.core.login = DigestLogin(PHONE, "box", "s3cret", bench.box.random)
    (asked,) = bench.wait(0.1)
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    (again,) = bench.receive(response(asked, 407, extra=challenge))
    assert (again.method, "response=" in again.get("Proxy-Authorization")) == ("OPTIONS", True)
    bench.say(again, 404)
    assert bench.events() == [events.PhoneGone("21", "nothing answers at its address")]
    (asked,) = bench.wait(30.0)
    (again,) = bench.receive(response(asked, 407, extra=challenge))
    assert bench.receive(response(again, 407, extra=challenge)) == []
    assert bench.events() == [events.PhoneRegistered("21")]
