"""Phones that call the box: key codes, and everybody else turned away (reliability.md 3)."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.sip.message import SipMessage
from appliance.sip.registrar import PhoneAccount
from tests.sip.world import BOX, MEDIA, PHONE, SDP, Bench, box_endpoint, request, tag_of

STRANGER = ("192.0.2.66", 5060)


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def dial(bench: Bench, digits: str = "*811", **more: str) -> SipMessage:
    """Let the phone dial; returns the box's first answer."""
    uri = f"sip:{digits}@192.0.2.1"
    data = request("INVITE", uri=uri, **({"body": SDP} | more))  # type: ignore[arg-type]  # no source
    return bench.receive(data)[0]


def leg_of(bench: Bench) -> str:
    """Return the leg that call control was told of."""
    (told,) = bench.events()
    assert isinstance(told, events.PhoneDialled)
    return told.leg


def follow(
    method: str, ringing: SipMessage, cseq: int, branch: str = "z9hG4bKnext", body: str = ""
) -> bytes:
    """Write the phone's next request in the dialog that `ringing` began."""
    return request(method, cseq, to=ringing.get("To"), branch=branch, body=body)


@pytest.mark.parametrize("digits", ["*811", "%23811", "+39051", "12A"])
def test_a_key_code(bench: Bench, digits: str) -> None:
    """Call control hears who dialled what; the phone hears 180 until it decides."""
    ringing = dial(bench, digits)
    (told,) = bench.events()
    assert isinstance(told, events.PhoneDialled)
    assert (told.phone, told.digits) == ("21", digits.replace("%23", "#"))
    assert (ringing.code, ringing.get("Contact")) == (180, "<sip:centralino@192.0.2.1:5060>")


def test_accepted(bench: Bench) -> None:
    """200 with our sound, repeated until its ACK; then a call like any other."""
    ringing = dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    (ok,) = bench.sent()
    assert (ok.code, tag_of(ok)) == (200, tag_of(ringing))
    assert "m=audio 16000 RTP/AVP 8 101" in ok.body
    assert bench.events() == [
        events.MediaAgreed(leg, "192.0.2.21", 7000, "alaw", 101),
        events.OperatorAnswered(leg, "21"),
    ]
    assert [m.code for m in bench.wait(0.6)] == [200]
    bench.receive(follow("ACK", ringing, 1))
    assert bench.wait(60.0) == []
    bench.box.legs.stop(leg, bench.now)
    (bye,) = bench.sent()
    assert (bye.method, bye.uri, bye.fields.to_tag) == ("BYE", "sip:21@192.0.2.21:5060", "p")
    assert bye.get("Call-ID") == "their-call"


def test_an_ack_with_the_invites_branch(bench: Bench) -> None:
    """Some phones give the ACK of a 2xx the INVITE's branch; it counts."""
    ringing = dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.sent()
    bench.receive(follow("ACK", ringing, 1, branch="z9hG4bKtheirs"))
    assert bench.wait(60.0) == []
    assert bench.box.legs.calls[leg].state.value == "confirmed"


def late_offer(bench: Bench) -> tuple[SipMessage, str, SipMessage]:
    """Let a phone dial without a description, and accept it; returns 180, leg and 200."""
    ringing = dial(bench, body="")
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    (ok,) = bench.sent()
    return ringing, leg, ok


def test_a_phone_that_leaves_the_offer_to_us(bench: Bench) -> None:
    """13.2.1: the 200 carries our offer, the ACK the phone's answer; only then is there a talk."""
    ringing, leg, ok = late_offer(bench)
    assert (ok.code, "RTP/AVP 8 0 101" in ok.body) == (200, True)
    assert bench.events() == []
    answer = request("ACK", 1, to=ringing.get("To"), branch="z9hG4bKack", body=SDP)
    assert bench.receive(answer) == []
    assert bench.events() == [
        events.MediaAgreed(leg, "192.0.2.21", 7000, "alaw", 101),
        events.OperatorAnswered(leg, "21"),
    ]
    assert bench.wait(60.0) == []


@pytest.mark.parametrize("body", ["", "nonsense"])
def test_our_offer_answered_badly(bench: Bench, body: str) -> None:
    """An ACK without a usable answer ends the call, told as a hang-up; nobody has answered."""
    ringing, leg, _ = late_offer(bench)
    bye = bench.receive(request("ACK", 1, to=ringing.get("To"), branch="z9hG4bKack", body=body))
    assert [m.method for m in bye] == ["BYE"]
    (told,) = bench.events()
    assert isinstance(told, events.PhoneHungUp)
    assert leg not in bench.box.legs.calls


def test_our_offer_is_not_wanted_any_more(bench: Bench) -> None:
    """Stopped before its ACK: the BYE waits for the ACK (15), and no talk is told of."""
    ringing, leg, _ = late_offer(bench)
    bench.box.legs.stop(leg, bench.now)
    assert bench.sent() == []
    (bye,) = bench.receive(request("ACK", 1, to=ringing.get("To"), branch="z9hG4bKack", body=SDP))
    assert bye.method == "BYE"
    assert bench.events() == []


def test_accepting_twice_is_accepting_once(bench: Bench) -> None:
    """A second accept, or a refusal after it, changes nothing."""
    dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.sent()
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.box.legs.refuse(leg, 404, bench.now)
    assert bench.sent() == []


@pytest.mark.parametrize("code", [404, 486, 603])
def test_refused(bench: Bench, code: int) -> None:
    """Call control's refusal reaches the phone and is repeated until its ACK (timer G)."""
    ringing = dial(bench)
    bench.box.legs.refuse(leg_of(bench), code, bench.now)
    (refusal,) = bench.sent()
    assert (refusal.code, tag_of(refusal)) == (code, tag_of(ringing))
    assert [m.code for m in bench.wait(0.6)] == [code]
    bench.receive(follow("ACK", ringing, 1, branch="z9hG4bKtheirs"))
    assert bench.wait(60.0) == []
    assert bench.events() == []


def test_a_refusal_that_is_never_acknowledged(bench: Bench) -> None:
    """Timer H ends it after 32 s; nobody is told."""
    dial(bench)
    bench.box.legs.refuse(leg_of(bench), 404, bench.now)
    bench.wait(60.0)
    assert bench.box.core.transactions.servers == {}
    assert bench.events() == []


def test_the_phone_thinks_better_of_it(bench: Bench) -> None:
    """CANCEL: 200 to it, 487 to the INVITE, and call control is told (stock keeps it ringing)."""
    dial(bench)
    leg = leg_of(bench)
    answers = bench.receive(request("CANCEL"))
    assert [(m.code, m.method) for m in answers] == [(200, "CANCEL"), (487, "INVITE")]
    assert bench.events() == [events.PhoneHungUp(leg, "")]


def test_a_cancel_from_elsewhere(bench: Bench) -> None:
    """A CANCEL from another host cancels nothing, even with the right branch."""
    dial(bench)
    bench.events()
    bench.box.receive(request("CANCEL"), STRANGER, 0.0)
    assert [m.code for m in bench.sent()] == [481]
    assert bench.events() == []


def test_a_cancel_of_nothing(bench: Bench) -> None:
    """A CANCEL without its INVITE is refused with 481."""
    assert [m.code for m in bench.receive(request("CANCEL"))] == [481]


def test_a_cancel_that_comes_too_late(bench: Bench) -> None:
    """After the 200 a CANCEL changes nothing (9.2)."""
    dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.sent()
    bench.events()
    assert [m.code for m in bench.receive(request("CANCEL"))] == [200]
    assert bench.events() == []
    assert leg in bench.box.legs.calls


def test_bye_before_the_answer(bench: Bench) -> None:
    """A BYE in the early dialog ends it: 200, and 487 to the INVITE (15.1.2)."""
    ringing = dial(bench)
    leg = leg_of(bench)
    answers = bench.receive(follow("BYE", ringing, 2))
    assert [(m.code, m.method) for m in answers] == [(200, "BYE"), (487, "INVITE")]
    assert bench.events() == [events.PhoneHungUp(leg, "")]


@pytest.mark.parametrize(("body", "code"), [("", 200), (SDP, 500)])
def test_an_update_before_the_answer(bench: Bench, body: str, code: int) -> None:
    """RFC 3311 5.2: without an offer it is taken; one beside the first, not yet answered, waits."""
    ringing = dial(bench)
    (said,) = bench.receive(follow("UPDATE", ringing, 2, body=body))
    assert (said.code, bool(said.get("Retry-After"))) == (code, bool(body))


def test_bye_before_the_ack(bench: Bench) -> None:
    """The phone may hang up before it has acknowledged; told once."""
    ringing = dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.sent()
    bench.events()
    assert [m.code for m in bench.receive(follow("BYE", ringing, 2))] == [200]
    assert bench.events() == [events.PhoneHungUp(leg, "")]


def test_we_hang_up_before_the_ack(bench: Bench) -> None:
    """Our BYE waits for the phone's ACK (15)."""
    ringing = dial(bench)
    leg = leg_of(bench)
    bench.box.legs.accept(leg, MEDIA, bench.now)
    bench.events()
    bench.sent()
    bench.box.legs.stop(leg, bench.now)
    assert bench.sent() == []
    assert [m.method for m in bench.receive(follow("ACK", ringing, 1))] == ["BYE"]
    assert bench.events() == []


def test_no_ack_at_all(bench: Bench) -> None:
    """Without ACK the call is ended after 32 s, told unless we had hung up ourselves."""
    for stopped in (False, True):
        dial(bench, call_id=f"c{stopped}", branch=f"z9hG4bK{stopped}")
        leg = leg_of(bench)
        bench.box.legs.accept(leg, MEDIA, bench.now)
        bench.events()
        bench.sent()
        if stopped:
            bench.box.legs.stop(leg, bench.now)
        sent = bench.wait(33.0)
        assert "BYE" in {m.method for m in sent}
        expected = [] if stopped else [events.PhoneHungUp(leg, "it never confirmed (ACK)")]
        assert bench.events() == expected


def test_we_hang_up_while_it_rings(bench: Bench) -> None:
    """Stopped before it was accepted: 480, no event."""
    dial(bench)
    bench.box.legs.stop(leg_of(bench), bench.now)
    assert [m.code for m in bench.sent()] == [480]
    assert bench.events() == []


def test_call_control_never_decides(bench: Bench) -> None:
    """Half-open calls are dropped after 32 s (reliability.md 3)."""
    dial(bench)
    leg = leg_of(bench)
    assert 480 in {m.code for m in bench.wait(33.0)}
    assert bench.events() == [events.PhoneHungUp(leg, "")]


def test_a_repeated_invite_is_one_call(bench: Bench) -> None:
    """A retransmitted INVITE is answered again and told once."""
    dial(bench)
    assert dial(bench).code == 180
    assert len(bench.events()) == 1


def test_the_same_invite_by_another_way(bench: Bench) -> None:
    """8.2.2.2: the same call with another branch is a loop."""
    dial(bench)
    bench.events()
    assert dial(bench, branch="z9hG4bKother").code == 482


def test_a_client_of_rfc_2543(bench: Bench) -> None:
    """Without the magic cookie, repeats are known by Call-ID, number and tag."""
    for _ in range(2):
        assert dial(bench, branch="1").code == 180
    assert len(bench.events()) == 1


@pytest.mark.parametrize(
    "from_", ['"Anonymous" <sip:anonymous@anonymous.invalid>;tag=p', "<tel:+39051598111>;tag=p"]
)
def test_a_phone_that_calls_without_its_name(bench: Bench, from_: str) -> None:
    """Hidden numbers and tel URIs (RFC 3323, RFC 3966): its place says who it is."""
    assert bench.receive(request("INVITE", from_=from_, body=SDP))[0].code == 180
    (told,) = bench.events()
    assert isinstance(told, events.PhoneDialled)
    assert told.phone == "21"


def test_one_of_several_behind_an_address_has_to_say_its_name() -> None:
    """Two phones at one place: nobody could tell which of them calls."""
    both = PhoneAccount("21", fixed_address=PHONE), PhoneAccount("22", fixed_address=PHONE)
    bench = Bench(box_endpoint(*both))
    data = request("INVITE", from_="<sip:anonymous@x>;tag=p", body=SDP)
    assert bench.receive(data)[0].code == 403


@pytest.mark.parametrize(
    ("uri", "digits"),
    [
        ("tel:*811", "*811"),
        ("tel:051-598.111", "051598111"),
        ("tel:+39-051-598111;phone-context=example.it", "0039051598111"),
        ("TEL:(051)598111", "051598111"),
    ],
)
def test_a_number_may_be_a_tel_uri(bench: Bench, uri: str, digits: str) -> None:
    """RFC 3966: digits and what parts them for the eye."""
    assert bench.receive(request("INVITE", uri=uri, body=SDP))[0].code == 180
    (told,) = bench.events()
    assert isinstance(told, events.PhoneDialled)
    assert told.digits == digits


@pytest.mark.parametrize("who", ["other host", "other name"])
def test_strangers_are_turned_away(bench: Bench, who: str) -> None:
    """403 for an INVITE not from a phone's own address and name; nothing is remembered."""
    source = STRANGER if who == "other host" else PHONE
    from_ = "<sip:21@192.0.2.1>;tag=p" if who == "other host" else "<sip:99@x>;tag=p"
    bench.box.receive(request("INVITE", from_=from_, body=SDP), source, 0.0)
    ((refusal, where),) = bench.posted()
    assert (refusal.code, where) == (403, source)
    assert bench.events() == []
    assert bench.box.core.transactions.servers == {}
    assert bench.box.next_deadline() is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"digits": "office"}, 404),
        ({"digits": "1" * 33}, 404),
        ({"body": "nonsense"}, 488),
        ({"body": SDP.replace("RTP/AVP 8", "RTP/SAVP 8")}, 488),
        ({"extra": "Require: 100rel"}, 420),
    ],
)
def test_calls_that_cannot_be(bench: Bench, changed: dict[str, str], code: int) -> None:
    """Each is refused with its own code and not told."""
    refusal = dial(bench, **changed)
    assert refusal.code == code
    assert bench.events() == []
    assert bench.box.legs.calls == {}
    if code == 420:
        assert refusal.get("Unsupported") == "100rel"


def test_a_flood_of_calls_from_a_phone(bench: Bench) -> None:
    """At most two calls a phone wait for call control (reliability.md 3: dialogs = phones x 2)."""
    codes = [dial(bench, call_id=f"c{n}", branch=f"z9hG4bK{n}").code for n in range(4)]
    assert codes == [180, 180, 503, 503]


def test_several_phones_at_one_host() -> None:
    """Where soft phones share a host, the name tells them apart; the address binds it."""
    accounts = tuple(PhoneAccount(str(n), fixed_address=("192.0.2.21", 5000 + n)) for n in (21, 22))
    bench = Bench(box_endpoint(*accounts))
    for name in ("21", "22"):
        from_ = f"<sip:{name}@192.0.2.1>;tag=p"
        data = request("INVITE", from_=from_, call_id=name, branch="z9hG4bK" + name, body=SDP)
        bench.box.receive(data, ("192.0.2.21", 5000 + int(name)), 0.0)
        (told,) = bench.events()
        assert isinstance(told, events.PhoneDialled)
        assert told.phone == name


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("SUBSCRIBE", 489), ("MESSAGE", 405), ("NOTIFY", 405), ("BYE", 481)],
)
def test_requests_outside_calls(bench: Bench, method: str, code: int) -> None:
    """Anybody gets an answer to a polite question, and 481 for a call that is not."""
    assert [m.code for m in bench.receive(request(method))] == [code]
    within_none = request(method, to="<sip:x@y>;tag=z", branch="z9hG4bKnone")
    assert [m.code for m in bench.receive(within_none)] == [481]


def test_a_flood_of_questions_leaves_room(bench: Bench) -> None:
    """More requests than are remembered: the oldest make room, a phone's call still comes in."""
    for number in range(700):
        bench.receive(request("OPTIONS", branch=f"z9hG4bKflood{number}"))
        bench.wait(0.02)
    assert len(bench.box.core.transactions.servers) == 512
    assert dial(bench).code == 180
    bench.wait(100.0)
    assert bench.box.core.transactions.servers == {}


def test_a_flood_of_invites_is_not_answered_for_ever(bench: Bench) -> None:
    """When all that is remembered are INVITEs in progress, the next request is dropped."""
    for number in range(512):
        data = request("INVITE", uri="sip:office@x", branch=f"z9hG4bK{number}", call_id=str(number))
        bench.receive(data)
    assert bench.receive(request("OPTIONS", branch="z9hG4bKlast")) == []
    assert bench.box.local(STRANGER) == BOX


def test_a_broken_request_is_answered_and_a_broken_ack_is_not(bench: Bench) -> None:
    """400 says what was wrong of a request; to an ACK nothing is ever answered (17.1.1.3)."""
    for method, answers in {"OPTIONS": 1, "ACK": 0}.items():
        broken = request(method).replace(f"CSeq: 1 {method}".encode(), f"CSeq: x {method}".encode())
        bench.box.receive(broken, PHONE, 0.0)
        sent = bench.box.take_datagrams()
        assert len(sent) == answers
        assert all(data.startswith(b"SIP/2.0 400 ") and where == PHONE for data, where in sent)
    assert bench.box.nonsense == 2
