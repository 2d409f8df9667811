"""Phones rung by the box: every outcome, every crossing (pyvoip.md 2, RFC 3261 9, 13, 15)."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from appliance.calls import events
from appliance.calls.events import DeclineReason
from appliance.errors import Bug
from appliance.sip.call import SipCall
from appliance.sip.message import SipMessage, via_parameters
from tests.sip.world import (
    BOX,
    MEDIA,
    PHONE,
    SDP,
    Bench,
    box_endpoint,
    response,
    ring,
    tag_of,
    within,
)

REDIRECTIONS = (300, 301, 302, 305, 380)
FINAL_FAILURES = (400, 401, 403, 404, 407, 408, 480, 487, 488, 500, 503, 604, 606)


def branch_of(message: SipMessage) -> str:
    """Return the branch of a message's top Via."""
    return via_parameters(message.get("Via"))["branch"]


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def test_a_phone_that_answers(bench: Bench) -> None:
    """180 and 200 become progress, agreed sound and an answer, in this order; the ACK is right."""
    invite = bench.ring()
    assert bench.say(invite, 100) == []
    assert bench.say(invite, 180, tag="p") == []
    (ack,) = bench.say(invite, 200, tag="p", body=SDP)
    assert bench.events() == [
        events.LegProgressed("leg", 180),
        events.MediaAgreed("leg", "192.0.2.21", 7000, "alaw", 101),
        events.OperatorAnswered("leg", "21"),
    ]
    assert (ack.method, ack.fields.to_tag, ack.fields.cseq) == ("ACK", "p", invite.fields.cseq)
    assert ack.uri == "sip:21@192.0.2.21:5060"
    assert branch_of(ack) != branch_of(invite), "the ACK of a 2xx is a request of its own"


def test_a_phone_that_answers_with_another_number_for_keys(bench: Bench) -> None:
    """RFC 3264 6.1: it sends them by the number that we offered; some send them by their own."""
    invite = bench.ring()
    bench.say(invite, 200, tag="p", body=SDP.replace("101", "96"))
    agreed = bench.events()[0]
    assert isinstance(agreed, events.MediaAgreed)
    assert agreed.key_payloads == (96, 101)
    assert agreed.dtmf_payload == 96


def test_the_invite_says_who_calls(bench: Bench) -> None:
    """The phone's screen shows display and number; the offer names the prepared RTP port."""
    invite = bench.ring()
    assert invite.get("From").startswith('"051 598 111" <sip:3331234567@192.0.2.1>')
    assert f"m=audio {MEDIA[1]} RTP/AVP 8 0 101" in invite.body
    assert "a=ptime:20" in invite.body


def test_sound_everywhere_is_offered_at_the_address_the_phone_reaches(bench: Bench) -> None:
    """A box that listens on every address never tells a phone to send to 0.0.0.0 (that is hold)."""
    wish = replace(ring(), media=("0.0.0.0", 16000))
    bench.box.legs.ring(wish, bench.box.registrar.target("21"), bench.now)
    (invite,) = bench.sent()
    assert f"c=IN IP4 {BOX[0]}" in invite.body


@pytest.mark.parametrize("number", ["", "051<script>", "1 OR 1", "x" * 40])
def test_a_number_that_is_none_stays_out_of_the_address(bench: Bench, number: str) -> None:
    """Only digits, *, # and + reach the phone as a number (reliability.md 3)."""
    wish = ring()
    target = bench.box.registrar.target("21")
    bench.box.legs.ring(type(wish)("leg", "21", MEDIA, 'a"\r\nX: y', number), target, 0.0)
    (invite,) = bench.sent()
    assert "<sip:anonymous@192.0.2.1>" in invite.get("From")
    assert invite.get("X") == ""


@pytest.mark.parametrize("code", [180, 183])
def test_progress_is_told_once(bench: Bench, code: int) -> None:
    """A repeated 1xx is no news; 100 is none at all."""
    invite = bench.ring()
    for said in (100, code, code):
        bench.say(invite, said, tag="p")
    assert bench.events() == [events.LegProgressed("leg", code)]


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("code", "event"),
    [
        (486, events.PhoneBusy("leg")),
        (600, events.PhoneBusy("leg")),
        (603, events.PhoneDeclined("leg")),
        (607, events.PhoneDeclined("leg")),
        *((code, events.PhoneDeclined("leg", DeclineReason.REDIRECTED)) for code in REDIRECTIONS),
        *((code, None) for code in FINAL_FAILURES),
    ],
)
def test_refusals_are_told_apart_and_acknowledged(
    bench: Bench, early: bool, code: int, event: events.Event | None
) -> None:
    """Each refusal gets the ACK of its transaction (17.1.1.3) and its own word, early or late."""
    invite = bench.ring()
    if early:
        bench.say(invite, 180, tag="p")
        bench.events()
    (ack,) = bench.say(invite, code, tag="q")
    assert (ack.method, branch_of(ack), ack.uri) == ("ACK", branch_of(invite), invite.uri)
    assert (ack.fields.to_tag, ack.fields.cseq) == ("q", invite.fields.cseq)
    (told,) = bench.events()
    if event:
        assert told == event
    else:
        assert isinstance(told, events.PhoneUnreachable)
        assert str(code) in told.reason
    assert bench.say(invite, code, tag="q")[0].method == "ACK", "a repeated refusal, too"
    assert bench.events() == []
    assert bench.box.legs.calls == {}


def test_an_unknown_code_counts_as_its_class(bench: Bench) -> None:
    """RFC 3261 8.1.3.2: 499 is a 400; pyVoIP's own enum would raise (pyvoip.md 4, no. 18)."""
    bench.say(bench.ring(), 499, tag="q")
    assert isinstance(bench.events()[0], events.PhoneUnreachable)


def test_a_silent_phone(bench: Bench) -> None:
    """Four INVITEs in 4 s, then unreachable; a phone that wakes later is stopped."""
    first = bench.ring()
    again = bench.wait(4.0)
    assert [m.method for m in again] == ["INVITE"] * 3
    assert {branch_of(m) for m in again} == {branch_of(first)}
    (told,) = bench.events()
    assert told == events.PhoneUnreachable(
        "leg", "no answer in 4 s: it is switched off or off the network"
    )
    assert bench.wait(10.0) == []
    (cancel,) = bench.say(first, 180, tag="p")
    assert (cancel.method, branch_of(cancel)) == ("CANCEL", branch_of(first))
    assert bench.events() == []


def test_a_silent_phone_that_answers_late_is_hung_up(bench: Bench) -> None:
    """A 200 after we gave up is acknowledged and ended: the phone must not stay off hook."""
    invite = bench.ring()
    bench.wait(5.0)
    bench.events()
    sent = bench.say(invite, 200, tag="p", body=SDP)
    assert [m.method for m in sent] == ["ACK", "BYE"]
    assert bench.events() == []


def test_a_dead_phone_is_forgotten(bench: Bench) -> None:
    """After all its timers nothing of a dead phone's call is left."""
    bench.ring()
    bench.wait(60.0)
    core = bench.box.core
    assert (bench.box.legs.calls, core.transactions.clients) == ({}, {})
    assert bench.box.next_deadline() is None


def test_an_unplugged_phone_is_noticed_at_once(bench: Bench) -> None:
    """ICMP says that nobody listens: unreachable, without waiting 4 s."""
    bench.ring()
    bench.box.refused(PHONE, bench.now)
    (told,) = bench.events()
    assert isinstance(told, events.PhoneUnreachable)
    assert bench.wait(60) == []


def test_icmp_about_another_address_changes_nothing(bench: Bench) -> None:
    """An ICMP error is the affair of its address alone."""
    bench.ring()
    bench.box.refused(("192.0.2.99", 5060), bench.now)
    assert bench.events() == []


def test_a_phone_that_is_not_registered(bench: Bench) -> None:
    """Unreachable at once, and nothing is sent."""
    bench.box.legs.ring(ring(phone="22"), None, 0.0)
    assert bench.events() == [events.PhoneUnreachable("leg", "22 is not registered")]
    assert bench.sent() == []


def test_one_leg_is_not_rung_twice(bench: Bench) -> None:
    """A leg id in use is our mistake and is told as one."""
    bench.ring()
    with pytest.raises(Bug):
        bench.ring()


# --- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_ringing_phone_is_cancelled(bench: Bench, elsewhere: bool) -> None:
    """CANCEL has the INVITE's branch and number; the reason spares a missed call; no event."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    bench.events()
    bench.box.legs.stop("leg", bench.now, answered_elsewhere=elsewhere)
    (cancel,) = bench.sent()
    assert (cancel.method, branch_of(cancel)) == ("CANCEL", branch_of(invite))
    assert (cancel.fields.cseq, cancel.fields.to_tag) == (invite.fields.cseq, "")
    reason = 'SIP;cause=200;text="Call completed elsewhere"' if elsewhere else ""
    assert cancel.get("Reason") == reason
    bench.say(cancel, 200)
    (ack,) = bench.say(invite, 487, tag="p")
    assert ack.method == "ACK"
    assert bench.events() == []
    assert bench.box.legs.calls == {}


def test_cancel_waits_for_a_first_word(bench: Bench) -> None:
    """RFC 3261 9.1: no CANCEL before a provisional response; 100 is one."""
    invite = bench.ring()
    bench.box.legs.stop("leg", bench.now)
    assert bench.sent() == []
    assert [m.method for m in bench.wait(1.0)] == ["INVITE"]
    (cancel,) = bench.say(invite, 100)
    assert cancel.method == "CANCEL"


def test_stopped_after_100_is_cancelled_at_once(bench: Bench) -> None:
    """After a 100 the INVITE is not repeated any more, so that CANCEL must not wait for 180."""
    invite = bench.ring()
    bench.say(invite, 100)
    bench.box.legs.stop("leg", bench.now)
    assert [m.method for m in bench.sent()] == ["CANCEL"]


@pytest.mark.parametrize("first", [100, 180, None])
def test_cancel_and_answer_cross(bench: Bench, first: int | None) -> None:
    """A 200 that crosses the CANCEL is acknowledged and hung up; nobody is told of an answer."""
    invite = bench.ring()
    if first:
        bench.say(invite, first, tag="p" if first > 100 else "")
    bench.box.legs.stop("leg", bench.now)
    bench.sent()
    bench.events()
    sent = bench.say(invite, 200, tag="p", body=SDP)
    assert [m.method for m in sent] == ["ACK", "BYE"]
    assert {m.fields.to_tag for m in sent} == {"p"}
    assert sent[1].fields.cseq == invite.fields.cseq + 1
    assert bench.events() == []
    assert [m.method for m in bench.say(invite, 200, tag="p", body=SDP)] == ["ACK"]


@pytest.mark.parametrize("is_up", [False, True])
def test_who_lifts_too_late_is_told_why(bench: Bench, is_up: bool) -> None:
    """Two lift at once: the loser's BYE says that the call was answered elsewhere (RFC 3326)."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    if is_up:  # its 200 came before call control's word
        bench.say(invite, 200, tag="p", body=SDP)
    bench.box.legs.stop("leg", bench.now, answered_elsewhere=True)
    sent = bench.sent() if is_up else bench.say(invite, 200, tag="p", body=SDP)
    bye = sent[-1]
    assert bye.method == "BYE"
    assert bye.get("Reason") == 'SIP;cause=200;text="Call completed elsewhere"'


def test_a_stopped_phone_that_says_nothing_is_forgotten(bench: Bench) -> None:
    """Neither 1xx nor final: no event, and nothing left after its timers."""
    bench.ring()
    bench.box.legs.stop("leg", bench.now)
    bench.box.legs.stop("leg", bench.now)
    bench.wait(60.0)
    assert bench.events() == []
    assert bench.box.legs.calls == {}


def test_a_stopped_phone_at_a_closed_port_is_forgotten(bench: Bench) -> None:
    """ICMP ends a stopped leg without a word."""
    bench.ring()
    bench.box.legs.stop("leg", bench.now)
    bench.box.refused(PHONE, bench.now)
    assert bench.events() == []
    assert bench.box.legs.calls == {}


def test_a_cancelled_phone_that_never_confirms(bench: Bench) -> None:
    """9.1: without a final response 64*T1 after the CANCEL the INVITE is over."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    bench.box.legs.stop("leg", bench.now)
    bench.events()
    repeats = bench.wait(80.0)
    assert {m.method for m in repeats} == {"CANCEL"}
    assert bench.box.legs.calls == {}
    assert bench.events() == []


@pytest.mark.parametrize("code", [486, 603, 500])
def test_a_refusal_crosses_the_cancel(bench: Bench, code: int) -> None:
    """Whatever a cancelled phone answers, nobody is told."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    bench.box.legs.stop("leg", bench.now)
    bench.events()
    bench.say(invite, code, tag="p")
    assert bench.events() == []
    assert bench.box.legs.calls == {}


def test_an_unknown_leg_is_stopped_in_peace(bench: Bench) -> None:
    """Stopping what is over already is no mistake."""
    bench.box.legs.stop("gone", 0.0)
    bench.box.legs.accept("gone", MEDIA, 0.0)
    bench.box.legs.refuse("gone", 404, 0.0)
    assert bench.sent() == []


# --- answered -----------------------------------------------------------------------------------


def test_our_bye_is_repeated_until_answered(bench: Bench) -> None:
    """A lost BYE is sent again (17.1.2.2); stock sends it once (pyvoip.md 2)."""
    ack = bench.answered()
    bench.box.legs.stop("leg", bench.now)
    (bye,) = bench.sent()
    assert (bye.method, bye.fields.to_tag, bye.fields.cseq) == ("BYE", "p", ack.fields.cseq + 1)
    assert bye.get("Reason") == ""
    again = bench.wait(5.0)
    assert [m.method for m in again] == ["BYE"] * 3
    bench.say(bye, 200)
    assert bench.wait(60.0) == []
    assert bench.events() == []


def test_an_unanswered_bye_gives_up(bench: Bench) -> None:
    """Timer F ends the repeats after 32 s: 11 requests in all (17.1.2.2)."""
    bench.answered()
    bench.box.legs.stop("leg", bench.now)
    sent = bench.sent() + bench.wait(100.0)
    assert [m.method for m in sent] == ["BYE"] * 11
    assert bench.box.core.transactions.clients == {}


def test_the_phone_hangs_up(bench: Bench) -> None:
    """BYE is answered 200 and told; a repeated BYE is answered again, told once."""
    ack = bench.answered()
    for _ in range(2):
        (ok,) = bench.receive(within(ack, "BYE"))
        assert ok.code == 200
    assert bench.events() == [events.PhoneHungUp("leg", "")]


@pytest.mark.parametrize("wrong", ["to", "from", "call"])
def test_a_forged_bye_is_refused(bench: Bench, wrong: str) -> None:
    """A stranger who lacks one tag ends nothing (pyvoip.md 4, no. 13)."""
    ack = bench.answered()
    bye = within(ack, "BYE").decode()
    forged = {
        "to": bye.replace(ack.fields.from_tag, "guess"),
        "from": bye.replace(";tag=p", ";tag=guess"),
        "call": bye.replace(ack.call_id, "guess"),
    }[wrong]
    (refusal,) = bench.receive(forged.encode())
    assert refusal.code == 481
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]


def test_our_lost_ack_is_sent_again(bench: Bench) -> None:
    """Each repeated 200 is acknowledged and told once."""
    invite = bench.ring()
    bench.say(invite, 200, tag="p", body=SDP)
    bench.events()
    for _ in range(3):
        (ack,) = bench.say(invite, 200, tag="p", body=SDP)
        assert ack.method == "ACK"
    assert bench.events() == []


def test_a_second_phone_behind_one_address_is_hung_up(bench: Bench) -> None:
    """A fork's second 200 gets its own ACK and BYE (13.2.2.4); the call goes on."""
    invite = bench.ring()
    bench.say(invite, 200, tag="p", body=SDP)
    bench.events()
    sent = bench.say(invite, 200, tag="other", body=SDP)
    assert [(m.method, m.fields.to_tag) for m in sent] == [("ACK", "other"), ("BYE", "other")]
    assert "cause=200" in sent[1].get("Reason")
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        SDP.replace("RTP/AVP 8 101", "RTP/SAVP 8 101"),
        SDP.replace("RTP/AVP 8 101", "RTP/AVP 9 101"),
        SDP.replace("audio 7000", "audio 0"),
        SDP.replace("IP4 192.0.2.21", "IP6 ::1"),
    ],
)
def test_an_answer_without_usable_sound(bench: Bench, body: str) -> None:
    """Acknowledged, hung up, and told as unreachable with the reason."""
    invite = bench.ring()
    sent = bench.say(invite, 200, tag="p", body=body)
    assert [m.method for m in sent] == ["ACK", "BYE"]
    (told,) = bench.events()
    assert isinstance(told, events.PhoneUnreachable)
    assert "sound" in told.reason


def test_the_target_of_bye_is_the_contact(bench: Bench) -> None:
    """BYE goes to the Contact with its parameters whole (linphone; pyvoip.md 2)."""
    invite = bench.ring()
    contact = '<sip:21@192.0.2.77:5070;transport=udp>;+org.linphone.specs="lime"'
    bench.say(invite, 200, tag="p", body=SDP, contact=contact)
    bench.box.legs.stop("leg", bench.now)
    (bye, where) = bench.posted()[-1]
    assert bye.uri == "sip:21@192.0.2.77:5070;transport=udp"
    assert where == ("192.0.2.77", 5070)


def test_record_route_is_followed_backwards(bench: Bench) -> None:
    """Requests of the call go by the proxies of the 200, last first (12.1.2)."""
    invite = bench.ring()
    routes = "<sip:192.0.2.8;lr>, <sip:192.0.2.9:5062;lr>"
    data = response(invite, 200, tag="p", body=SDP, extra=f"Record-Route: {routes}")
    bench.box.receive(data, PHONE, 0.0)
    ((ack, where),) = bench.posted()
    assert ack.all("Route") == ("<sip:192.0.2.9:5062;lr>", "<sip:192.0.2.8;lr>")
    assert where == ("192.0.2.9", 5062)
    assert ack.uri == "sip:21@192.0.2.21:5060"


def test_a_contact_by_name_goes_where_the_invite_went(bench: Bench) -> None:
    """No DNS is asked (B4): a host name in Contact is reached at the known address."""
    invite = bench.ring()
    data = response(invite, 200, tag="p", body=SDP, contact="<sip:21@phone.lan>")
    bench.box.receive(data, PHONE, 0.0)
    assert bench.posted()[0][1] == PHONE


def test_tags_are_new_each_time(bench: Bench) -> None:
    """Call-ID, tag and branch differ from call to call (pyvoip.md 4, no. 12)."""
    one, two = bench.ring("one"), bench.ring("two")
    assert one.call_id != two.call_id
    assert one.fields.from_tag != two.fields.from_tag
    assert branch_of(one) != branch_of(two)


def test_what_is_over_is_gone_without_the_garbage_collector(bench: Bench) -> None:
    """Answered, refused and cancelled legs leave no ring of references: memory stays flat."""
    gc.collect()
    before = _legs_in_memory()
    gc.disable()
    try:
        for code in (200, 486, 487):
            _over_by(bench, code)
        assert _legs_in_memory() == before + 3, "their transactions live on for 32 s"
        bench.wait(33)
        assert _legs_in_memory() == before
    finally:
        gc.enable()


def _over_by(bench: Bench, code: int) -> None:
    """Ring a leg and let it end: by a BYE of ours, by the phone, by a CANCEL."""
    invite = bench.ring(f"leg{code}")
    bench.say(invite, 180, tag="p")
    if code == 487:
        bench.box.legs.stop(f"leg{code}", bench.now)
        bench.say(bench.sent()[-1], 200, tag="p")
    bench.say(invite, code, tag="p", body=SDP if code == 200 else "")
    if code == 200:
        bench.box.legs.stop(f"leg{code}", bench.now)
        bench.say(bench.sent()[-1], 200, tag="p")


def _legs_in_memory() -> int:
    return sum(isinstance(thing, SipCall) for thing in gc.get_objects())


def test_stray_responses_are_dropped(bench: Bench) -> None:
    """A response to nothing of ours, or to a forged branch, does nothing."""
    invite = bench.ring()
    forged = response(invite, 200, tag="p", body=SDP).replace(
        branch_of(invite).encode(), b"z9hG4bKguess"
    )
    assert bench.receive(forged) == []
    assert bench.events() == []


def test_tag_of_reads_our_tag() -> None:
    """The helper of these tests reads what it says."""
    bench = Bench(box_endpoint())
    ack = bench.answered()
    (ok,) = bench.receive(within(ack, "BYE"))
    assert tag_of(ok) == ack.fields.from_tag
