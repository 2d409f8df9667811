"""A ringing phone that is to answer by itself: its INVITE is taken back and sent anew."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.sip.dialog import open_calls_from_json, open_calls_to_json
from appliance.sip.message import SipMessage
from appliance.sip.phones import RingRequest
from tests.sip.world import MEDIA, SDP, Bench, box_endpoint, response

HEADERS = {
    "Answer-Mode": "Auto",
    "Call-Info": "<sip:centralino>;answer-after=0",
    "Alert-Info": "<http://centralino>;info=alert-autoanswer;delay=0",
}


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def pick_up(bench: Bench) -> list[SipMessage]:
    """Ask for the phone to answer; returns what is sent because of it."""
    bench.box.legs.pick_up("leg", bench.now)
    return bench.sent()


def rung(bench: Bench) -> SipMessage:
    """Ring the phone until it says 180."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    bench.events()
    return invite


def asks(invite: SipMessage) -> bool:
    """Tell whether an INVITE asks the phone to answer by itself."""
    found = {name: invite.get(name) for name in HEADERS}
    assert found in (HEADERS, dict.fromkeys(HEADERS, ""))
    return found == HEADERS


def taken_back(bench: Bench) -> tuple[SipMessage, SipMessage]:
    """Ring, ask, and let the phone end the first call; returns both INVITEs."""
    first = rung(bench)
    (cancel,) = pick_up(bench)
    assert cancel.get("Reason").startswith("SIP;cause=200"), "it shows no missed call"
    assert bench.say(cancel, 200, tag="p") == []
    ack, again = bench.say(first, 487, tag="p")
    assert (ack.method, again.method) == ("ACK", "INVITE")
    return first, again


def test_an_ordinary_call_asks_for_nothing(bench: Bench) -> None:
    """No phone opens its microphone but for the person who sits at it."""
    assert not asks(bench.ring())


def test_a_phone_can_be_asked_from_the_beginning(bench: Bench) -> None:
    """It did not ring yet: the one INVITE asks for it."""
    wish = RingRequest("leg", "21", MEDIA, "Centralino", "0511", picks_up=True)
    bench.box.legs.ring(wish, bench.box.registrar.target("21"), bench.now)
    (invite,) = bench.sent()
    assert asks(invite)
    bench.say(invite, 200, tag="p", body=SDP)
    assert events.OperatorAnswered("leg", "21") in bench.events()


def test_a_ringing_phone_is_rung_anew_on_the_same_leg(bench: Bench) -> None:
    """Another call to the phone, the same leg and port to us: nobody else notices."""
    first, again = taken_back(bench)
    assert asks(again)
    assert not asks(first)
    assert again.call_id != first.call_id
    assert again.fields.from_tag != first.fields.from_tag
    assert again.get("To") == first.get("To"), "without the tag of the call that is over"
    assert again.body.splitlines()[2:] == first.body.splitlines()[2:], "the same sound"
    assert bench.events() == []
    (ack,) = bench.say(again, 200, tag="q", body=SDP)
    assert (ack.method, ack.call_id) == ("ACK", again.call_id)
    assert events.OperatorAnswered("leg", "21") in bench.events()


def test_one_that_cannot_rings_on_until_it_is_lifted(bench: Bench) -> None:
    """It heeds none of the headers: then it rings, and the leg is as ever."""
    _, again = taken_back(bench)
    assert bench.say(again, 180, tag="q") == []
    assert bench.events() == [events.LegProgressed("leg", 180)]
    assert bench.wait(20) == []
    bench.say(again, 200, tag="q", body=SDP)
    assert events.OperatorAnswered("leg", "21") in bench.events()


def test_lifted_at_the_same_moment(bench: Bench) -> None:
    """CANCEL and 200 cross: it has answered, once, and is rung no more."""
    first = rung(bench)
    (cancel,) = pick_up(bench)
    (ack,) = bench.say(first, 200, tag="p", body=SDP)
    assert (ack.method, ack.call_id) == ("ACK", first.call_id)
    assert events.OperatorAnswered("leg", "21") in bench.events()
    assert bench.say(cancel, 481, tag="p") == []
    assert bench.wait(60) == []
    assert bench.events() == []


def test_a_phone_that_has_said_nothing_yet(bench: Bench) -> None:
    """9.1: no CANCEL before its first word."""
    first = bench.ring()
    assert pick_up(bench) == []
    (cancel,) = bench.say(first, 100)
    assert cancel.method == "CANCEL"
    assert bench.say(first, 180, tag="p") == [], "it is on its way"
    _, again = bench.say(first, 487, tag="p")
    assert asks(again)


def test_it_is_asked_once(bench: Bench) -> None:
    """A second press changes nothing."""
    rung(bench)
    assert len(pick_up(bench)) == 1
    assert pick_up(bench) == []


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (486, events.PhoneBusy("leg")),
        (603, events.PhoneDeclined("leg")),
    ],
)
def test_turned_down_at_the_same_moment(bench: Bench, code: int, told: events.Event) -> None:
    """The person pressed the other key: that holds."""
    first = rung(bench)
    pick_up(bench)
    assert [m.method for m in bench.say(first, code, tag="p")] == ["ACK"]
    assert bench.events() == [told]


def test_a_phone_that_is_busy_with_the_second_call(bench: Bench) -> None:
    """Some say 486 where the first call is hardly over: call control is told, and decides."""
    _, again = taken_back(bench)
    assert [m.method for m in bench.say(again, 486, tag="q")] == ["ACK"]
    assert bench.events() == [events.PhoneBusy("leg")]


def test_a_phone_that_never_ends_the_first_call(bench: Bench) -> None:
    """Without 487 the INVITE is over after 32 s (9.1); then it is rung anew."""
    rung(bench)
    pick_up(bench)
    assert any(asks(m) for m in bench.wait(40) if m.method == "INVITE")


def test_stopped_while_it_is_taken_back(bench: Bench) -> None:
    """The caller gives up, or another phone answers: nothing is rung anew."""
    first = rung(bench)
    (cancel,) = pick_up(bench)
    bench.say(cancel, 200, tag="p")
    bench.box.legs.stop("leg", bench.now)
    assert [m.method for m in bench.say(first, 487, tag="p")] == ["ACK"]
    assert bench.wait(60) == []
    assert bench.events() == []


def test_stopped_before_it_has_said_anything(bench: Bench) -> None:
    """The same while the phone was still silent."""
    first = bench.ring()
    pick_up(bench)
    bench.box.legs.stop("leg", bench.now)
    (cancel,) = bench.say(first, 180, tag="p")
    assert cancel.method == "CANCEL"
    bench.say(cancel, 200, tag="p")
    assert [m.method for m in bench.say(first, 487, tag="p")] == ["ACK"]
    assert bench.wait(60) == []


def test_the_callers_name_goes_with_it(bench: Bench) -> None:
    """Who calls became known while it was taken back: the new INVITE says so."""
    first = rung(bench)
    pick_up(bench)
    bench.box.legs.show("leg", "Ada Rossi", "0511234567", bench.now)
    assert bench.sent() == []
    _, again = bench.say(first, 487, tag="p")
    assert again.get("From").startswith('"Ada Rossi" <sip:0511234567@')


def test_a_phone_in_a_conversation_is_left_alone(bench: Bench) -> None:
    """It has been lifted before the wish arrived."""
    bench.answered()
    assert pick_up(bench) == []
    bench.box.legs.pick_up("unknown", bench.now)
    assert bench.sent() == []


def test_a_later_process_ends_it(bench: Bench) -> None:
    """After a crash the phone does not ring on: the INVITE that is out is cancelled."""
    _, again = taken_back(bench)
    bench.say(again, 180, tag="q")
    left = open_calls_from_json(open_calls_to_json(bench.box.legs.left()))
    later = Bench(box_endpoint())
    later.box.end_left(left, later.now)
    (cancel,) = later.sent()
    assert (cancel.method, cancel.call_id) == ("CANCEL", again.call_id)


def test_a_second_200_of_the_call_taken_back_is_no_answer(bench: Bench) -> None:
    """A stray message of the first call finds no leg."""
    first, again = taken_back(bench)
    assert bench.receive(response(first, 200, tag="p", body=SDP)) == []
    assert bench.events() == []
    assert bench.say(again, 200, tag="q", body=SDP)[0].method == "ACK"


# ---- A phone that can be told to talk

TALKS = "Allow-Events: hold, Talk\r\n"


def told_to_talk(bench: Bench) -> tuple[SipMessage, SipMessage]:
    """Ring a phone that can be told to talk, and tell it; returns INVITE and NOTIFY."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p", extra=TALKS)
    bench.events()
    (notify,) = pick_up(bench)
    assert notify.method == "NOTIFY"
    return invite, notify


def test_a_phone_is_told_to_talk(bench: Bench) -> None:
    """Within the dialog that rings, without a body; no second INVITE, nothing is cancelled."""
    invite, notify = told_to_talk(bench)
    assert (notify.get("Event"), notify.get("Subscription-State")) == ("talk", "active")
    assert (notify.call_id, notify.fields.to_tag, notify.body) == (invite.call_id, "p", "")
    assert notify.fields.cseq > invite.fields.cseq
    assert notify.uri == "sip:21@192.0.2.21:5060"
    assert bench.say(notify, 200, tag="p") == []
    (ack,) = bench.say(invite, 200, tag="p", body=SDP)
    assert ack.method == "ACK"
    assert events.OperatorAnswered("leg", "21") in bench.events()
    assert bench.wait(10) == []
    bench.box.legs.stop("leg", bench.now)
    (bye,) = bench.sent()
    assert bye.fields.cseq > notify.fields.cseq


@pytest.mark.parametrize("code", [403, 481, 489, 501])
def test_one_that_refuses_to_talk_is_rung_anew(bench: Bench, code: int) -> None:
    """As a phone that has never said it can; it is not told a second time."""
    invite, notify = told_to_talk(bench)
    (cancel,) = bench.say(notify, code, tag="p")
    assert (cancel.method, cancel.call_id) == ("CANCEL", invite.call_id)
    assert cancel.get("Reason").startswith("SIP;cause=200"), "it shows no missed call"
    bench.say(cancel, 200, tag="p")
    _, again = bench.say(invite, 487, tag="p")
    assert asks(again)
    assert bench.say(again, 180, tag="q", extra=TALKS) == []
    assert bench.wait(20) == []


def test_one_that_is_told_and_rings_on_is_rung_anew(bench: Bench) -> None:
    """It says 200 to the NOTIFY and does nothing: after 1.5 s."""
    _, notify = told_to_talk(bench)
    bench.say(notify, 200, tag="p")
    assert bench.wait(1.4) == []
    assert [m.method for m in bench.wait(0.2)] == ["CANCEL"]


def test_it_is_told_once(bench: Bench) -> None:
    """A second press changes nothing."""
    told_to_talk(bench)
    assert pick_up(bench) == []


def test_lifted_while_it_is_told(bench: Bench) -> None:
    """Answered, whatever it says of the NOTIFY; an answered phone is told nothing."""
    invite, notify = told_to_talk(bench)
    bench.say(invite, 200, tag="p", body=SDP)
    assert events.OperatorAnswered("leg", "21") in bench.events()
    assert bench.say(notify, 481, tag="p") == []
    assert bench.wait(10) == []


def test_stopped_while_it_is_told(bench: Bench) -> None:
    """The caller has given up: it is cancelled, once."""
    invite, notify = told_to_talk(bench)
    bench.box.legs.stop("leg", bench.now)
    (cancel,) = bench.sent()
    assert bench.say(notify, 200, tag="p") == []
    bench.say(cancel, 200, tag="p")
    assert [m.method for m in bench.say(invite, 487, tag="p")] == ["ACK"]
    assert bench.wait(10) == []


def test_one_that_cannot_be_told_is_rung_anew(bench: Bench) -> None:
    """Other event packages say nothing of it."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p", extra="Allow-Events: refer, talking\r\n")
    (cancel,) = pick_up(bench)
    assert cancel.method == "CANCEL"


def test_one_that_rings_though_its_invite_asked_for_more_is_told(bench: Bench) -> None:
    """It heeds none of the headers, but the NOTIFY; refused, it rings on until it is lifted."""
    wish = RingRequest("leg", "21", MEDIA, "Centralino", "0511", picks_up=True)
    bench.box.legs.ring(wish, bench.box.registrar.target("21"), bench.now)
    (invite,) = bench.sent()
    (notify,) = bench.say(invite, 180, tag="p", extra=TALKS)
    assert (notify.method, notify.get("Event")) == ("NOTIFY", "talk")
    assert bench.say(invite, 180, tag="p", extra=TALKS) == []
    assert bench.say(notify, 489, tag="p") == []
    assert bench.wait(20) == []
    bench.say(invite, 200, tag="p", body=SDP)
    assert events.OperatorAnswered("leg", "21") in bench.events()


# ---- Another call of ours at the same phone is cancelled first


def asked_for_another(bench: Bench) -> SipMessage:
    """Ring the phone, cancel that, and ask it to pick up another call; returns the first INVITE."""
    first = rung(bench)
    bench.box.legs.stop("leg", bench.now)
    (cancel,) = bench.sent()
    bench.say(cancel, 200, tag="p")
    wish = RingRequest("other", "21", MEDIA, "Centralino", "0511", picks_up=True)
    bench.box.legs.ring(wish, bench.box.registrar.target("21"), bench.now)
    assert bench.sent() == [], "it would say 486"
    return first


def test_a_phone_is_rung_once_it_has_let_the_other_call_go(bench: Bench) -> None:
    """Some are engaged until their 487 is out."""
    first = asked_for_another(bench)
    bench.say(first, 487, tag="p")
    (invite,) = bench.wait(0.0)
    assert asks(invite)
    bench.say(invite, 200, tag="q", body=SDP)
    assert events.OperatorAnswered("other", "21") in bench.events()


def test_a_phone_that_does_not_let_go_is_rung_all_the_same(bench: Bench) -> None:
    """After a second: its caller is not kept waiting for a phone that says nothing."""
    asked_for_another(bench)
    assert bench.wait(0.9) == []
    assert [asks(m) for m in bench.wait(0.2) if m.method == "INVITE"] == [True]


def test_who_calls_becomes_known_meanwhile(bench: Bench) -> None:
    """The delayed INVITE says so."""
    first = asked_for_another(bench)
    bench.box.legs.show("other", "Ada Rossi", "0511234567", bench.now)
    bench.say(first, 487, tag="p")
    (invite,) = bench.wait(0.0)
    assert invite.get("From").startswith('"Ada Rossi" <sip:0511234567@')


def test_the_other_call_is_over_meanwhile(bench: Bench) -> None:
    """Its caller has given up: nothing is rung."""
    first = asked_for_another(bench)
    bench.box.legs.stop("other", bench.now)
    bench.say(first, 487, tag="p")
    assert bench.wait(5) == []


def test_a_call_that_asks_for_nothing_is_not_delayed(bench: Bench) -> None:
    """As ever: call control rings no phone that it has not let go."""
    rung(bench)
    bench.box.legs.stop("leg", bench.now)
    bench.sent()
    assert bench.ring("other").method == "INVITE"
