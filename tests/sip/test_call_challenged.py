"""Refusals that ask for the INVITE anew (401, 407, 422), and forwards that are not followed."""

from __future__ import annotations

import hashlib
import re

import pytest

from appliance.calls import events
from appliance.sip.message import SipMessage
from appliance.sip.registrar import DigestLogin
from tests.sip.world import PHONE, SDP, Bench, box_endpoint, response, within

CHALLENGE = 'Digest realm="town hall", nonce="abc=,1", qop="auth,auth-int", opaque="o"'


@pytest.fixture
def bench() -> Bench:
    """Return a box whose phone 21 stands behind the registrar that it has an account at."""
    made = Bench(box_endpoint())
    made.box.core.login = DigestLogin(PHONE, "centralino", "s3cret", made.box.random)
    return made


def again(bench: Bench, invite: SipMessage, code: int, extra: str) -> SipMessage:
    """Let the INVITE be refused; returns the new one, after the ACK of the refusal."""
    ack, new = bench.receive(response(invite, code, tag="q", extra=extra))
    assert (ack.method, new.method) == ("ACK", "INVITE")
    assert new.fields.cseq == invite.fields.cseq + 1
    assert (new.call_id, new.fields.from_tag) == (invite.call_id, invite.fields.from_tag)
    assert new.fields.branch != invite.fields.branch
    assert not new.fields.to_tag
    return new


def md5(text: str) -> str:
    """Hash as RFC 2617 does."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("code", "asks", "says"),
    [
        (407, "Proxy-Authenticate", "Proxy-Authorization"),
        (401, "WWW-Authenticate", "Authorization"),
    ],
)
def test_the_registrars_challenge_is_answered(
    bench: Bench, code: int, asks: str, says: str
) -> None:
    """By qop=auth over method and URI (RFC 2617); the ACK of the 200 carries it, too (22.1)."""
    new = again(bench, bench.ring(), code, f"{asks}: {CHALLENGE}")
    given = dict(re.findall(r'(\w+)="?([^"]+?)"?(?:, |$)', new.get(says).partition(" ")[2]))
    assert (given["realm"], given["nonce"], given["opaque"]) == ("town hall", "abc=,1", "o")
    assert (given["nc"], given["qop"], given["uri"]) == ("00000001", "auth", new.uri)
    a1, a2 = md5("centralino:town hall:s3cret"), md5(f"INVITE:{new.uri}")
    wanted = md5(f"{a1}:abc=,1:00000001:{given['cnonce']}:auth:{a2}")
    assert given["response"] == wanted
    (ack,) = bench.say(new, 200, tag="p", body=SDP)
    assert ack.get(says) == new.get(says)
    assert isinstance(bench.events()[-1], events.OperatorAnswered)
    bench.receive(within(ack, "BYE"))
    assert bench.events() == [events.PhoneHungUp("leg", "")]  # the refusal is no reason of that


def test_a_challenge_without_qop(bench: Bench) -> None:
    """RFC 2069, as old registrars ask."""
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n"'
    new = again(bench, bench.ring(), 407, challenge)
    wanted = md5(f"{md5('centralino:r:s3cret')}:n:{md5(f'INVITE:{new.uri}')}")
    assert f'response="{wanted}"' in new.get("Proxy-Authorization")
    assert "qop" not in new.get("Proxy-Authorization")


def test_of_two_challenges_the_stronger(bench: Bench) -> None:
    """RFC 8760 2.4: SHA-256 before MD5, whatever else is offered is passed over."""
    offers = [f"{CHALLENGE}, algorithm={name}" for name in ("MD5", "SHA-512-256", "sha-256")]
    extra = "\n".join(f"Proxy-Authenticate: {value}" for value in (*offers, "Basic realm=x"))
    new = again(bench, bench.ring(), 407, extra)
    assert "algorithm=SHA-256" in new.get("Proxy-Authorization")


def test_a_wrong_secret_is_not_tried_for_ever(bench: Bench) -> None:
    """A registrar that refuses our answers is believed in the end."""
    invite = bench.ring()
    for _ in range(3):
        invite = again(bench, invite, 407, f"Proxy-Authenticate: {CHALLENGE}")
    bench.receive(response(invite, 407, tag="q", extra=f"Proxy-Authenticate: {CHALLENGE}"))
    (told,) = bench.events()
    assert isinstance(told, events.PhoneUnreachable)
    assert "407" in told.reason


def test_a_challenged_bye_is_said_again(bench: Bench) -> None:
    """A proxy may challenge a BYE too (22.3): unanswered, the phone would go on for ever."""
    bench.answered()
    bench.box.legs.stop("leg", bench.now)
    (bye,) = bench.sent()
    extra = f"Proxy-Authenticate: {CHALLENGE}"
    (again,) = bench.receive(response(bye, 407, extra=extra))
    assert (again.method, again.fields.cseq) == ("BYE", bye.fields.cseq + 1)
    assert again.fields.branch != bye.fields.branch
    given = dict(re.findall(r'(\w+)="?([^"]+?)"?(?:, |$)', again.get("Proxy-Authorization")))
    a1, a2 = md5("centralino:town hall:s3cret"), md5(f"BYE:{again.uri}")
    assert given["response"] == md5(f"{a1}:abc=,1:00000001:{given['cnonce']}:auth:{a2}")
    assert bench.receive(response(again, 407, extra=extra)) == []
    assert bench.wait(60.0) == []


def test_a_challenged_renewal_is_no_loss(bench: Bench) -> None:
    """The UPDATE that renews a session is said again with credentials, and the call goes on."""
    invite = bench.ring()
    extra = "Allow: UPDATE\nSession-Expires: 90;refresher=uac\nRequire: timer"
    bench.say(invite, 200, tag="p", body=SDP, extra=extra)
    (update,) = bench.wait(45.2)
    asked = f"Proxy-Authenticate: {CHALLENGE}"
    (again,) = bench.receive(response(update, 407, extra=asked))
    assert (again.method, "response=" in again.get("Proxy-Authorization")) == ("UPDATE", True)
    bench.say(again, 200, extra="Session-Expires: 90;refresher=uac")
    assert bench.wait(40.0) == []
    assert list(bench.box.legs.calls) == ["leg"]


@pytest.mark.parametrize("extra", ["", "Proxy-Authenticate: Basic realm=x"])
def test_what_cannot_be_answered(bench: Bench, extra: str) -> None:
    """No digest, no answer."""
    bench.receive(response(bench.ring(), 407, tag="q", extra=extra))
    assert isinstance(bench.events()[0], events.PhoneUnreachable)


def test_a_phone_is_never_given_the_secret(bench: Bench) -> None:
    """A challenge from anywhere but the registrar is no more than a refusal."""
    bench.box.core.login = DigestLogin(
        ("192.0.2.9", 5060), "centralino", "s3cret", bench.box.random
    )
    sent = bench.receive(
        response(bench.ring(), 407, tag="q", extra=f"Proxy-Authenticate: {CHALLENGE}")
    )
    assert [m.method for m in sent] == ["ACK"]
    assert isinstance(bench.events()[0], events.PhoneUnreachable)


def test_a_session_that_is_too_brief_for_the_phone(bench: Bench) -> None:
    """422: rung again with the phone's Min-SE; one that asks for less than we do is refused."""
    new = again(bench, bench.ring(), 422, "Min-SE: 3600")
    assert new.get("Session-Expires") == "3600"
    bench.receive(response(new, 422, tag="q", extra="Min-SE: 60"))
    assert isinstance(bench.events()[0], events.PhoneUnreachable)


def test_challenged_while_it_is_being_stopped(bench: Bench) -> None:
    """An INVITE that is not wanted any more is not sent again."""
    invite = bench.ring()
    bench.box.legs.stop("leg", bench.now)
    sent = bench.receive(response(invite, 407, tag="q", extra=f"Proxy-Authenticate: {CHALLENGE}"))
    assert [m.method for m in sent] == ["ACK"]
    assert bench.box.legs.calls == {}


def test_the_first_invites_end_does_not_end_the_second(bench: Bench) -> None:
    """The refused transaction lives for 32 s; what becomes of it concerns nobody."""
    new = again(bench, bench.ring(), 407, f"Proxy-Authenticate: {CHALLENGE}")
    bench.say(new, 180, tag="p")
    bench.events()
    bench.wait(20.0)
    bench.box.legs.stop("leg", bench.now)
    (cancel,) = bench.sent()
    assert (cancel.method, cancel.fields.cseq) == ("CANCEL", new.fields.cseq)
    bench.wait(15.0)
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_forward_on_the_phone_is_not_followed(bench: Bench) -> None:
    """302 to an outside number: nobody there is rung, and call control is told which refusal it
    was.
    """
    extra = "Contact: <sip:3331234567@192.0.2.99>"
    sent = bench.receive(response(bench.ring(), 302, tag="q", extra=extra))
    assert [m.method for m in sent] == ["ACK"]
    assert bench.events() == [events.PhoneDeclined("leg", events.DeclineReason.REDIRECTED)]


def test_early_media_is_not_joined(bench: Bench) -> None:
    """183 with a description is progress only: the caller pays for no announcement of a phone's."""
    invite = bench.ring()
    assert bench.say(invite, 183, tag="p", body=SDP) == []
    assert bench.events() == [events.LegProgressed("leg", 183)]
    bench.say(invite, 200, tag="p", body=SDP.replace("7000", "7002"))
    agreed, answered = bench.events()
    assert (agreed.port, type(answered)) == (7002, events.OperatorAnswered)  # type: ignore[union-attr]  # a MediaAgreed
