"""Requests of a phone within its call: hold, resume, keys, refreshes (pyvoip.md 2)."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.sip.call import digit_in
from appliance.sip.message import SipMessage
from tests.sip.world import BOX, PHONE, SDP, Bench, box_endpoint, request, response, within


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def held(direction: str, body: str = SDP) -> str:
    """Return the phone's description with another direction."""
    return body.replace("sendrecv", direction)


def acknowledge(bench: Bench, ack: SipMessage, cseq: int, body: str = "") -> list[SipMessage]:
    """Let the phone acknowledge our 200 to its re-INVITE."""
    return bench.receive(within(ack, "ACK", cseq, body=body))


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("direction", "mirrored", "sending", "receiving"),
    [
        ("sendonly", "recvonly", False, True),
        ("inactive", "inactive", False, False),
        ("recvonly", "sendonly", True, False),
    ],
)
def test_hold_and_resume(
    bench: Bench, method: str, direction: str, mirrored: str, sending: bool, receiving: bool
) -> None:
    """Hold is answered in mirror and told; resume brings sound back (RFC 3264 8.4)."""
    ack = bench.answered()
    (ok,) = bench.receive(within(ack, method, 1, body=held(direction)))
    assert (ok.code, f"a={mirrored}" in ok.body) == (200, True)
    told = events.MediaAgreed("leg", "192.0.2.21", 7000, "alaw", 101, sending, receiving)
    assert bench.events() == [told]
    if method == "INVITE":
        assert acknowledge(bench, ack, 1) == []
    bench.receive(within(ack, method, 2, body=SDP))
    assert bench.events() == [events.MediaAgreed("leg", "192.0.2.21", 7000, "alaw", 101)]


def test_hold_the_old_way(bench: Bench) -> None:
    """c=0.0.0.0 means: send nothing (RFC 3264 8.4)."""
    ack = bench.answered()
    bench.receive(
        within(ack, "INVITE", 1, body=SDP.replace("IP4 192.0.2.21\r\nt", "IP4 0.0.0.0\r\nt"))
    )
    (told,) = bench.events()
    assert isinstance(told, events.MediaAgreed)
    assert not told.sending


def test_a_refresh_changes_nothing(bench: Bench) -> None:
    """A session refresh is answered and not told (stock starts a second pair of RTP threads)."""
    ack = bench.answered()
    assert bench.receive(within(ack, "INVITE", 1, body=SDP))[0].code == 200
    assert bench.receive(within(ack, "UPDATE", 2))[0].body == ""
    assert bench.events() == []


def test_a_phone_that_moves(bench: Bench) -> None:
    """A re-INVITE may name another address and target; both are taken (12.2)."""
    ack = bench.answered()
    moved = SDP.replace("192.0.2.21", "192.0.2.22")
    bench.receive(
        within(ack, "INVITE", 1, body=moved).replace(
            b"<sip:21@192.0.2.21:5060>", b"<sip:x@192.0.2.22>"
        )
    )
    assert bench.events() == [events.MediaAgreed("leg", "192.0.2.22", 7000, "alaw", 101)]
    bench.box.legs.stop("leg", bench.now)
    assert bench.posted()[-1][1] == ("192.0.2.22", 5060)


def test_the_coding_in_use_is_kept(bench: Bench) -> None:
    """A later offer that still knows our coding keeps it, whatever it prefers."""
    ack = bench.answered()
    both = SDP.replace("RTP/AVP 8 101", "RTP/AVP 0 8 101")
    (ok,) = bench.receive(within(ack, "INVITE", 1, body=both))
    assert "RTP/AVP 8 101" in ok.body
    assert bench.events() == []


def test_a_coding_that_is_dropped(bench: Bench) -> None:
    """A later offer without our coding changes it."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 1, body=SDP.replace("RTP/AVP 8 101", "RTP/AVP 0")))
    assert bench.events() == [events.MediaAgreed("leg", "192.0.2.21", 7000, "ulaw", -1)]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_an_offer_we_cannot_take(bench: Bench, method: str) -> None:
    """488, and the session stays as it was (14.2)."""
    ack = bench.answered()
    (refusal,) = bench.receive(within(ack, method, 1, body="v=0\r\nm=video 9 RTP/AVP 31\r\n"))
    assert refusal.code == 488
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_late_offer(bench: Bench) -> None:
    """An INVITE without description gets our offer; the ACK brings the answer."""
    ack = bench.answered()
    (ok,) = bench.receive(within(ack, "INVITE", 1))
    assert "RTP/AVP 8 0 101" in ok.body
    assert bench.events() == []
    assert acknowledge(bench, ack, 1, held("sendonly")) == []
    assert bench.events() == [events.MediaAgreed("leg", "192.0.2.21", 7000, "alaw", 101, False)]


def test_a_late_offer_badly_answered(bench: Bench) -> None:
    """An ACK whose answer is useless ends the call, told."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 1))
    (bye,) = acknowledge(bench, ack, 1, "nonsense")
    assert bye.method == "BYE"
    assert isinstance(bench.events()[0], events.PhoneHungUp)


def test_our_200_is_repeated_until_acknowledged(bench: Bench) -> None:
    """13.3.1.4: at T1, doubling to T2; without ACK for 32 s the call is ended and told."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 1, body=SDP))
    sent = bench.wait(40.0)
    assert [m.code for m in sent if m.is_response] == [200] * 10
    assert [m.method for m in sent if not m.is_response][:1] == ["BYE"]
    assert bench.events() == [events.PhoneHungUp("leg", "it never confirmed (ACK)")]


def test_the_same_number_once_more_is_out_of_order(bench: Bench) -> None:
    """12.2.2: another request with the CSeq of the last one is refused, and changes nothing."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 1, body=held("sendonly")))
    acknowledge(bench, ack, 1)
    (refusal,) = bench.receive(within(ack, "BYE", 1))
    assert refusal.code == 500
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_lost_ack_of_a_hold_is_made_good_by_the_resume(bench: Bench) -> None:
    """14.1: a new INVITE says that the last 200 came: it is not repeated, the call goes on."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 1, body=held("sendonly")))
    (ok,) = bench.receive(within(ack, "INVITE", 2, body=SDP))
    assert (ok.code, ok.fields.cseq) == (200, 2)
    acknowledge(bench, ack, 2)
    bench.events()
    assert bench.wait(60.0) == []
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_what_is_required_of_a_change_is_refused(bench: Bench, method: str) -> None:
    """420 names what we cannot do, and the session stays as it was (8.2.2.3)."""
    ack = bench.answered()
    data = within(ack, method, 1, body=held("sendonly"), extra="Require: timer, precondition")
    (refusal,) = bench.receive(data)
    assert (refusal.code, refusal.get("Unsupported")) == (420, "precondition")
    assert bench.events() == []


def test_an_ack_of_another_request_is_no_ack(bench: Bench) -> None:
    """Only the ACK with the INVITE's number ends the repeats."""
    ack = bench.answered()
    bench.receive(within(ack, "INVITE", 3, body=SDP))
    acknowledge(bench, ack, 2)
    assert [m.code for m in bench.wait(1.0)] == [200]
    acknowledge(bench, ack, 3)
    assert bench.wait(60.0) == []


def test_an_ack_out_of_the_blue_does_nothing(bench: Bench) -> None:
    """An ACK when nothing was said is dropped, within a call and outside."""
    ack = bench.answered()
    assert acknowledge(bench, ack, 1) == []
    assert bench.receive(request("ACK")) == []
    assert bench.events() == []


def test_requests_out_of_order(bench: Bench) -> None:
    """12.2.2: a lower sequence number is refused with 500."""
    ack = bench.answered()
    bench.receive(within(ack, "INFO", 5))
    assert bench.receive(within(ack, "INFO", 4))[0].code == 500


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("OPTIONS", 200),
        ("NOTIFY", 200),
        ("REFER", 400),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 405),
        ("PRACK", 405),
        ("PUBLISH", 405),
    ],
)
def test_what_else_a_phone_may_ask(bench: Bench, method: str, code: int) -> None:
    """Everything is answered; REFER is never obeyed (P5)."""
    ack = bench.answered()
    (answer,) = bench.receive(within(ack, method))
    assert answer.code == code
    assert "INVITE" in answer.get("Allow")
    assert bench.events() == []


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= *\r\nDuration= 160", "*"),
        ("application/dtmf-relay;x=y", "Signal=11\r\n", "#"),
        ("Application/DTMF-relay", "signal=16", "R"),
        ("application/dtmf-relay", "Signal=flash", "R"),
        ("application/dtmf-relay", "Signal=!\r\nDuration=250\r\n", "R"),
        ("application/dtmf-relay", "Signal=hf\r\n", "R"),
        ("application/dtmf-relay", "Signal=123\r\n", ""),
        ("application/dtmf", "7", "7"),
        ("application/dtmf", " a ", "A"),
        ("application/dtmf", "16", "R"),
        ("application/dtmf", "!", "R"),
        ("application/hook-flash", "", "R"),
        ("application/dtmf-relay", "Signal=99", ""),
        ("application/dtmf-relay", "", ""),
        ("application/dtmf", "12345", ""),
        ("text/plain", "5", ""),
        ("", "5", ""),
    ],
)
def test_keys_in_info(bench: Bench, kind: str, body: str, digit: str) -> None:
    """Keys come in three kinds of INFO; anything else is no key."""
    assert digit_in(kind, body) == digit
    ack = bench.answered()
    data = within(ack, "INFO", 1, body=body, extra=f"Content-Type: {kind}")
    for _ in range(2):  # a repeated INFO is one key
        assert bench.receive(data)[0].code == 200
    pressed = [events.DigitPressed(digit, events.DigitSource.SIP_INFO, leg="leg")]
    assert bench.events() == (pressed if digit else [])


@pytest.mark.parametrize(("tag", "body", "code"), [("p", "", 200), ("p", SDP, 491), ("q", "", 481)])
def test_an_update_of_a_phone_that_rings(bench: Bench, tag: str, body: str, code: int) -> None:
    """RFC 3311 5.1: within the dialog that its 180 began, without an offer beside ours."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    bench.events()
    update = request(
        "UPDATE",
        call_id=invite.call_id,
        from_=f"<sip:a@b>;tag={tag}",
        to=invite.get("From"),
        body=body,
    )
    assert bench.receive(update)[0].code == code
    assert [m.method for m in bench.say(invite, 200, tag="p", body=SDP)] == ["ACK"]


def test_a_request_without_a_tag_is_of_no_call(bench: Bench) -> None:
    """A phone that has said nothing yet has no dialog to ask in."""
    invite = bench.ring()
    fake = request("UPDATE", call_id=invite.call_id, from_="<sip:a@b>", to=invite.get("From"))
    assert bench.receive(fake)[0].code == 481


@pytest.mark.parametrize("line", ["", "a=inactive\r\n"])
def test_hold_by_port_0(bench: Bench, line: str) -> None:
    """RFC 3264 8.2: some phones hold by switching the stream off, and bring it back as it was."""
    ack = bench.answered()
    head = SDP.split("m=audio")[0]
    (held,) = bench.receive(
        within(ack, "INVITE", 2, body=f"{head}m=audio 0 RTP/AVP 8 101\r\n{line}")
    )
    assert held.code == 200
    assert "m=audio 0 RTP/AVP" in held.body
    (told,) = bench.events()
    assert isinstance(told, events.MediaAgreed)
    assert (told.sending, told.receiving) == (False, False)
    bench.receive(within(ack, "ACK", 2))
    (back,) = bench.receive(within(ack, "INVITE", 3, body=SDP))
    assert (back.code, "m=audio 16000" in back.body) == (200, True)
    (told,) = bench.events()
    assert isinstance(told, events.MediaAgreed)
    assert (told.sending, told.receiving) == (True, True)


def test_a_call_that_begins_without_sound_is_none(bench: Bench) -> None:
    """Port 0 in a first answer: there is nothing to hold."""
    invite = bench.ring()
    off = SDP.replace("m=audio 7000", "m=audio 0")
    assert [m.method for m in bench.say(invite, 200, tag="p", body=off)] == ["ACK", "BYE"]


def test_answers_go_back_as_rfc_3581_says(bench: Bench) -> None:
    """With rport to the port it came from, without to the one in Via; Via is stamped."""
    odd = ("192.0.2.21", 40000)
    bench.box.receive(request("OPTIONS"), odd, 0.0)
    ((answer, where),) = bench.posted()
    assert where == odd
    assert answer.get("Via").endswith(";rport=40000;received=192.0.2.21")
    plain = request("OPTIONS", branch="z9hG4bKother").replace(b";rport", b"")
    bench.box.receive(plain, odd, 0.0)
    ((answer, where),) = bench.posted()
    assert where == PHONE
    assert answer.get("Via").endswith(";received=192.0.2.21")


def test_a_hold_just_before_the_end(bench: Bench) -> None:
    """A re-INVITE after our BYE finds no call."""
    ack = bench.answered()
    bench.box.legs.stop("leg", bench.now)
    bye = bench.sent()[0]
    assert bench.receive(within(ack, "INVITE", 1, body=SDP))[0].code == 481
    bench.receive(response(bye, 200))
    assert bench.events() == []
    assert bench.box.local(PHONE) == BOX
