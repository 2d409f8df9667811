"""Phones over TCP, without sockets: what a connection that opens, breaks or comes back means."""

from __future__ import annotations

import re

import pytest

from appliance.calls import events
from appliance.sip.dialog import open_calls_from_json, open_calls_to_json
from appliance.sip.message import SipMessage, TcpPeer
from appliance.sip.registrar import Credentials, PhoneAccount, bindings_to_json, expected_digest
from appliance.sip.rtp import Address
from tests.sip.world import BOX, SDP, Bench, box_endpoint, endpoint, request, response, within

FIRST, SECOND = TcpPeer(("192.0.2.21", 40001)), TcpPeer(("192.0.2.21", 40002))
UDP: Address = ("192.0.2.21", 5060)
SECRET = "parola-di-21"
ACCOUNT = PhoneAccount("21", SECRET)


class Phone:
    """Phone 21 over TCP, by hand; `stream` is its connection."""

    def __init__(self, bench: Bench | None = None) -> None:
        self.bench = bench or Bench(box_endpoint(ACCOUNT))
        self.number = 0
        self.connect(FIRST)

    def connect(self, stream: Address) -> None:
        """Connect, where it is over TCP, and register by digest."""
        self.stream = stream
        if isinstance(stream, TcpPeer):
            self.bench.box.opened(stream)
        (asked,) = self._register("")
        sent = self._register(answer_to(asked, "REGISTER"))
        assert sent[0].code == 200
        self.after = sent[1:]

    def dials(self) -> None:
        """Call the box, and be let in."""
        (asked,) = self.bench.receive(request("INVITE", body=SDP, source=FIRST), FIRST)
        invite = request(
            "INVITE", 2, body=SDP, source=FIRST, branch="z9hG4bKtwo",
            extra=answer_to(asked, "INVITE"),
        )  # fmt: skip
        (ringing,) = self.bench.receive(invite, FIRST)
        assert ringing.code == 180

    def _register(self, extra: str) -> list[SipMessage]:
        self.number += 1
        data = request(
            "REGISTER", self.number, uri="sip:192.0.2.1", source=self.stream,
            from_="<sip:21@192.0.2.1>;tag=r", to="<sip:21@192.0.2.1>", call_id="register",
            branch=f"z9hG4bKr{self.number}", extra=extra,
        )  # fmt: skip
        return self.bench.receive(data, self.stream)

    def say(self, invite: SipMessage, code: int, **more: str) -> list[SipMessage]:
        """Answer a request of the box."""
        return self.bench.receive(response(invite, code, tag="p", **more), self.stream)

    def cut(self) -> list[SipMessage]:
        """Lose the connection."""
        assert isinstance(self.stream, TcpPeer)
        self.bench.box.closed(self.stream, self.bench.now)
        return self.bench.sent()

    def talks(self) -> SipMessage:
        """Be rung, answer, and return the ACK."""
        invite = self.bench.ring()
        self.say(invite, 180)
        (ack,) = self.say(invite, 200, body=SDP)
        self.bench.events()
        return ack


def answer_to(asked: SipMessage, method: str) -> str:
    """Return the header that answers a challenge."""
    found = re.search(r'nonce="([^"]+)"', asked.get("WWW-Authenticate"))
    assert found
    given = Credentials("21", "centralino", found[1], "sip:192.0.2.1", "", "MD5", "", "", "")
    return (
        f'Authorization: Digest username="21", realm="centralino", nonce="{found[1]}", '
        f'uri="sip:192.0.2.1", response="{expected_digest(given, SECRET, method)}", algorithm=MD5'
    )


@pytest.fixture
def phone() -> Phone:
    """A phone that has registered over TCP."""
    return Phone()


def refused(phone: Phone) -> list[SipMessage]:
    """Let the loop tell that there is no such connection any more for what waits."""
    posted = phone.bench.posted()
    for _, where in posted:
        if where == FIRST:
            phone.bench.box.refused(where, phone.bench.now)
    return [message for message, where in posted if where != FIRST]


def test_it_is_rung_over_its_connection(phone: Phone) -> None:
    """Via and Contact say TCP, and all that is said of the call goes back by the connection."""
    phone.bench.ring()
    phone.bench.box.legs.stop("leg", 0.0)
    wish = phone.bench.box.registrar.target("21")
    assert wish is not None
    assert wish.address == FIRST
    phone = Phone()
    ack = phone.talks()
    assert ack.get("Via").startswith("SIP/2.0/TCP 192.0.2.1:5060;")
    phone.bench.box.legs.stop("leg", 0.0)
    ((bye, where),) = phone.bench.posted()
    assert (bye.method, where) == ("BYE", FIRST)


def test_our_contact_names_the_transport(phone: Phone) -> None:
    """What the phone sends within the call comes by TCP, too."""
    assert phone.bench.ring().get("Contact") == "<sip:centralino@192.0.2.1:5060;transport=tcp>"


def test_nothing_is_repeated_over_a_reliable_transport(phone: Phone) -> None:
    """A silent phone is given up after 4 s, by one INVITE; a CANCEL and an OPTIONS go out once."""
    phone.bench.ring()
    assert phone.bench.wait(4.1) == []
    told = phone.bench.events()
    assert [type(one) for one in told] == [events.PhoneRegistered, events.PhoneUnreachable]
    invite = phone.bench.ring("two")
    phone.say(invite, 180)
    phone.bench.box.legs.stop("two", phone.bench.now)
    assert [one.method for one in phone.bench.wait(20)] == ["CANCEL"]


def test_requests_of_ours_are_forgotten_with_their_answer(phone: Phone) -> None:
    """Timers D, I, J and K are 0: nothing waits for what cannot come twice."""
    invite = phone.bench.ring()
    phone.say(invite, 486)
    phone.bench.wait(0.0)
    assert phone.bench.box.core.transactions.clients == {}
    assert phone.bench.box.core.transactions.servers == {}


def test_a_200_is_repeated_until_its_ack_all_the_same() -> None:
    """RFC 3261 13.3.1.4: the ACK comes from end to end."""
    phone = Phone()
    phone.dials()
    (dialled,) = (e for e in phone.bench.events() if isinstance(e, events.PhoneDialled))
    phone.bench.box.legs.accept(dialled.leg, ("192.0.2.1", 16000), 0.0)
    phone.bench.sent()
    assert [one.code for one in phone.bench.wait(1.6)] == [200, 200]


def test_a_connection_that_breaks_while_it_rings(phone: Phone) -> None:
    """The call goes on elsewhere at once; back again, the phone stops ringing: CANCEL, then ACK."""
    invite = phone.bench.ring()
    phone.say(invite, 180)
    phone.bench.events()
    assert phone.cut() == []
    told = phone.bench.events()
    assert [type(one) for one in told] == [events.PhoneGone, events.PhoneUnreachable]
    assert phone.bench.box.target("21") is None
    phone.bench.wait(20)
    phone.connect(SECOND)
    (cancel,) = phone.after
    assert (cancel.method, cancel.call_id) == ("CANCEL", invite.call_id)
    assert cancel.fields.branch == invite.fields.branch
    phone.say(cancel, 200)
    (ack,) = phone.say(invite, 487)
    assert ack.method == "ACK"


def test_a_phone_that_lifted_meanwhile_is_hung_up(phone: Phone) -> None:
    """Its 200 crosses with our CANCEL: ACK and BYE."""
    invite = phone.bench.ring()
    phone.say(invite, 180)
    phone.cut()
    phone.connect(SECOND)
    assert [one.method for one in phone.say(invite, 200, body=SDP)] == ["ACK", "BYE"]


def test_a_connection_that_breaks_before_anything_was_heard(phone: Phone) -> None:
    """No answer can come any more: unreachable now, not after 4 s."""
    phone.bench.ring()
    phone.bench.events()
    phone.cut()
    assert [type(one) for one in phone.bench.events()] == [
        events.PhoneGone,
        events.PhoneUnreachable,
    ]
    assert phone.bench.box.legs.calls == {}


def test_a_conversation_outlives_its_connection(phone: Phone) -> None:
    """Sound needs none: nothing is told but that the phone cannot be rung; back again it is hung
    up over its new connection.
    """
    phone.talks()
    phone.cut()
    assert [type(one) for one in phone.bench.events()] == [events.PhoneGone]
    phone.bench.wait(30)
    phone.connect(SECOND)
    phone.bench.events()
    phone.bench.box.legs.stop("leg", phone.bench.now)
    ((bye, where),) = phone.bench.posted()
    assert (bye.method, where) == ("BYE", SECOND)


def test_a_phone_hangs_up_over_a_new_connection(phone: Phone) -> None:
    """A request within the call that only it can write brings the call with it."""
    ack = phone.talks()
    phone.cut()
    phone.bench.box.opened(SECOND)
    (ok,) = phone.bench.receive(within(ack, "OPTIONS", source=SECOND), SECOND)
    assert ok.code == 200
    phone.bench.box.legs.ask("leg", phone.bench.now)
    ((question, where),) = phone.bench.posted()
    assert (question.method, where) == ("OPTIONS", SECOND)
    phone.bench.events()
    (ok,) = phone.bench.receive(within(ack, "BYE", 2, source=SECOND), SECOND)
    assert ok.code == 200
    assert [type(one) for one in phone.bench.events()] == [events.PhoneHungUp]


def test_a_conversation_that_ends_meanwhile_is_ended_for_the_phone_too(phone: Phone) -> None:
    """The caller hangs up while there is no connection: the BYE is sent once the phone is back."""
    ack = phone.talks()
    phone.cut()
    phone.bench.box.legs.stop("leg", phone.bench.now)
    assert refused(phone) == []
    phone.bench.wait(40)
    phone.connect(SECOND)
    (bye,) = phone.after
    assert (bye.method, bye.call_id) == ("BYE", ack.call_id)
    assert bye.fields.cseq > ack.fields.cseq + 1
    phone.say(bye, 200)
    phone.cut()
    phone.connect(TcpPeer((SECOND[0], 40003)))
    assert phone.after == [], "it is told once"


def test_what_is_owed_is_owed_for_a_while(phone: Phone) -> None:
    """A phone that comes back the next day has no such call any more."""
    phone.talks()
    phone.cut()
    phone.bench.box.legs.stop("leg", phone.bench.now)
    refused(phone)
    phone.bench.wait(700)
    phone.connect(SECOND)
    assert phone.after == []


def test_a_silent_phone_without_connection_is_lost_at_once(phone: Phone) -> None:
    """Its sound has stopped and nobody can be asked: the caller is looked after now."""
    phone.talks()
    phone.cut()
    phone.bench.events()
    phone.bench.box.legs.ask("leg", phone.bench.now)
    refused(phone)
    assert [type(one) for one in phone.bench.events()] == [events.PhoneLost]


def test_a_phone_that_dialled_and_lost_its_connection(phone: Phone) -> None:
    """Nobody could tell it what comes: as if it had hung up."""
    phone.dials()
    phone.bench.events()
    (sent,) = phone.cut()
    assert sent.code == 480
    assert [type(one) for one in phone.bench.events()] == [events.PhoneGone, events.PhoneHungUp]
    phone.bench.wait(40)
    assert phone.bench.box.core.transactions.servers == {}
    phone.connect(SECOND)
    assert phone.after == []


def test_a_phone_that_moves_to_a_new_connection_goes_on_ringing(phone: Phone) -> None:
    """It registers over the new one, then lets the old one go: its answer is heard."""
    invite = phone.bench.ring()
    phone.say(invite, 180)
    phone.connect(SECOND)
    phone.bench.events()
    phone.bench.box.closed(FIRST, phone.bench.now)
    assert phone.bench.events() == []
    (ack,) = phone.say(invite, 200, body=SDP)
    assert ack.method == "ACK"
    phone.bench.box.legs.stop("leg", phone.bench.now)
    ((bye, where),) = phone.bench.posted()
    assert (bye.method, where) == ("BYE", SECOND)


def test_a_phone_that_goes_over_to_udp(phone: Phone) -> None:
    """Registered by UDP from now on, its call is ended by UDP, where it stands."""
    phone.talks()
    phone.cut()
    phone.connect(UDP)
    phone.bench.box.legs.stop("leg", phone.bench.now)
    ((bye, where),) = phone.bench.posted()
    assert (bye.method, where) == ("BYE", UDP)


def test_the_message_lamp_is_told_over_the_connection(phone: Phone) -> None:
    """Unasked, and again once the phone is back; nothing is sent where it has no connection."""
    phone.bench.wait(5.1)
    phone.bench.box.waiting.show(2, phone.bench.now)
    ((notify, where),) = phone.bench.posted()
    assert (notify.method, where) == ("NOTIFY", FIRST)
    assert notify.get("Via").startswith("SIP/2.0/TCP ")
    phone.say(notify, 200)
    phone.cut()
    phone.bench.box.waiting.show(3, phone.bench.now)
    assert phone.bench.posted() == []
    phone.connect(SECOND)
    (again,) = phone.bench.wait(5.1)
    assert "Voice-Message: 3/0" in again.body


def test_whose_connection_counts_as_proven(phone: Phone) -> None:
    """A phone's that registered over it, or is in a call by it; no stranger's."""
    box = phone.bench.box
    box.opened(SECOND)
    assert box.proven() == {FIRST}
    phone.talks()
    phone.connect(SECOND)
    assert box.proven() == {FIRST, SECOND}
    phone.bench.box.legs.stop("leg", phone.bench.now)
    assert box.proven() == {SECOND}
    assert box.is_heard("192.0.2.21")
    assert box.is_heard("192.0.2.99")


def test_a_connection_is_kept_over_no_restart(phone: Phone) -> None:
    """It ends with the process: the phone counts as out until it has registered again."""
    assert bindings_to_json(tuple(phone.bench.box.registrar.bindings.values())) == "[]"


def test_a_killed_desks_call_over_tcp_is_ended_when_the_phone_is_back(phone: Phone) -> None:
    """What was written down says that it was a connection: nothing is sent by UDP meanwhile."""
    ack = phone.talks()
    kept = open_calls_to_json(phone.bench.box.legs.left())
    bench = Bench(endpoint(BOX, ACCOUNT, seed=2))
    bench.box.end_left(open_calls_from_json(kept), 0.0)
    assert bench.posted() == []
    back = Phone(bench)
    (bye,) = back.after
    assert (bye.method, bye.call_id) == ("BYE", ack.call_id)


def test_what_is_no_sip_ends_a_stream_and_half_a_request_does_not(phone: Phone) -> None:
    """Only of a request whose end was told is the rest still readable."""
    box = phone.bench.box
    assert not box.receive(b"GET / HTTP/1.1\r\n\r\n", FIRST, 0.0)
    assert box.receive(request("DANCE"), FIRST, 0.0)
    assert [one.code for one in phone.bench.sent()] == [501]
    assert box.nonsense == 2
