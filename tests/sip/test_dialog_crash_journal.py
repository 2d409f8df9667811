"""Call control that was killed: its successor ends the calls that it has left behind."""

from __future__ import annotations

import json

import pytest

from appliance.sip.dialog import open_calls_from_json, open_calls_to_json
from appliance.sip.message import SipMessage
from tests.sip.world import MEDIA, PHONE, SDP, Bench, box_endpoint, request, response, tag_of


@pytest.fixture
def bench() -> Bench:
    """Return call control that is going to die; it knows phone 21."""
    return Bench(box_endpoint())


def successor(dead: Bench) -> tuple[Bench, list[SipMessage]]:
    """Start another call control from what the dead one has written; returns it and what it says
    first.
    """
    text = open_calls_to_json(dead.box.legs.left())
    made = Bench(box_endpoint())
    made.box.end_left(open_calls_from_json(text), 0.0)
    made.events()
    return made, made.sent()


def test_a_call_that_is_up_is_hung_up(bench: Bench) -> None:
    """BYE with the dialog's tags, target and a number above all before; repeated until answered;
    its reason says what happened; call control is told nothing.
    """
    ack = bench.answered()
    after, (bye,) = successor(bench)
    assert (bye.method, bye.uri, bye.call_id) == ("BYE", "sip:21@192.0.2.21:5060", ack.call_id)
    assert (bye.get("From"), bye.get("To")) == (ack.get("From"), ack.get("To"))
    assert bye.fields.cseq > ack.fields.cseq
    assert bye.get("Reason") == 'SIP;cause=503;text="The switchboard was restarted"'
    assert [m.method for m in after.wait(0.6)] == ["BYE"]
    after.say(bye, 200)
    assert after.wait(60.0) == []
    assert after.events() == []
    assert after.box.legs.left() == ()


def test_requests_after_the_last_writing_are_passed_over(bench: Bench) -> None:
    """12.2.2: a number that is not higher would be refused with 500."""
    bench.answered()
    text = open_calls_to_json(bench.box.legs.left())
    bench.box.legs.ask("leg", bench.now)
    (question,) = bench.sent()
    after = Bench(box_endpoint())
    after.box.end_left(open_calls_from_json(text), 0.0)
    (bye,) = after.sent()
    assert bye.fields.cseq > question.fields.cseq


def test_the_way_over_proxies_is_kept(bench: Bench) -> None:
    """Record-Route of the answer is the route of the BYE."""
    invite = bench.ring()
    routes = "Record-Route: <sip:192.0.2.8;lr>\nRecord-Route: <sip:192.0.2.9;lr>"
    bench.receive(response(invite, 200, tag="p", body=SDP, extra=routes))
    after = Bench(box_endpoint())
    after.box.end_left(open_calls_from_json(open_calls_to_json(bench.box.legs.left())), 0.0)
    ((bye, where),) = after.posted()
    assert bye.all("Route") == ("<sip:192.0.2.9;lr>", "<sip:192.0.2.8;lr>")
    assert where == ("192.0.2.9", 5060)


@pytest.mark.parametrize("code", [None, 180])
def test_a_phone_that_rings_is_cancelled(bench: Bench, code: int | None) -> None:
    """CANCEL with the INVITE's branch and number; its 487 is acknowledged, and that is all."""
    invite = bench.ring()
    if code:
        bench.say(invite, code, tag="p")
    after, (cancel,) = successor(bench)
    assert (cancel.method, cancel.fields.branch) == ("CANCEL", invite.fields.branch)
    for name in ("From", "To", "Call-ID"):
        assert cancel.get(name) == invite.get(name)
    assert (cancel.uri, cancel.fields.cseq) == (invite.uri, invite.fields.cseq)
    after.say(cancel, 200)
    (ack,) = after.say(invite, 487, tag="p")
    assert (ack.method, ack.fields.to_tag, ack.fields.branch) == ("ACK", "p", invite.fields.branch)
    assert after.wait(60.0) == []
    assert after.events() == []
    assert after.box.core.transactions.clients == {}


def test_a_phone_that_lifted_meanwhile_is_hung_up(bench: Bench) -> None:
    """Its 200, repeated while no call control was there, gets ACK and BYE."""
    invite = bench.ring()
    bench.say(invite, 180, tag="p")
    after, _ = successor(bench)
    sent = after.say(invite, 200, tag="p", body=SDP)
    assert [m.method for m in sent] == ["ACK", "BYE"]
    assert "restarted" in sent[1].get("Reason")
    assert after.events() == []
    assert after.box.legs.calls == {}


def test_a_phone_that_was_unplugged_meanwhile_is_forgotten(bench: Bench) -> None:
    """No answer to the CANCEL, no answer at all: nothing stays in memory."""
    bench.say(bench.ring(), 180, tag="p")
    after, _ = successor(bench)
    after.wait(100.0)
    assert (after.box.legs.calls, after.box.core.transactions.clients) == ({}, {})


@pytest.mark.parametrize("accepted", [False, True])
def test_a_phone_that_had_dialled(bench: Bench, accepted: bool) -> None:
    """Hearing 180 it is refused, until its ACK; in the call it is hung up."""
    (ringing,) = bench.receive(request("INVITE", body=SDP))
    (leg,) = bench.box.legs.calls
    if accepted:
        bench.box.legs.accept(leg, MEDIA, bench.now)
    after, (first,) = successor(bench)
    if accepted:
        assert (first.method, first.call_id, first.fields.to_tag) == ("BYE", "their-call", "p")
        return
    assert (first.code, tag_of(first)) == (480, tag_of(ringing))
    assert first.get("Via") == ringing.get("Via")
    assert [m.code for m in after.wait(0.6)] == [480]
    after.receive(request("ACK", to=first.get("To")))
    assert after.wait(60.0) == []
    assert after.box.core.transactions.servers == {}


def test_what_is_over_is_not_left(bench: Bench) -> None:
    """A call that was hung up leaves nothing: the successor says nothing."""
    bench.answered()
    bench.box.legs.stop("leg", bench.now)
    assert successor(bench)[1] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dialog", None),
        ("dialog.peer", "nowhere"),
        ("dialog.target", "sip:a@b\r\nX: y"),
        ("dialog.routes", 3),
        ("cseq", "many"),
        ("key", []),
        ("branch", 7),
    ],
)
def test_a_row_that_cannot_be_read_is_left_out(bench: Bench, key: str, value: object) -> None:
    """The other rows count all the same."""
    bench.answered()
    bench.answered("other")
    rows = json.loads(open_calls_to_json(bench.box.legs.left()))
    place, _, name = key.rpartition(".")
    (rows[0][place] if place else rows[0])[name] = value
    found = open_calls_from_json(json.dumps(rows))
    assert [one.dialog for one in found] == [bench.box.legs.calls["other"].dialog]


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", "null"])
def test_nothing_that_can_be_read_is_nothing_left(text: str) -> None:
    """No file, a broken one, one of something else."""
    assert open_calls_from_json(text) == ()


def test_a_call_goes_through_the_file_as_it_is(bench: Bench) -> None:
    """Every kind of call is read as it was written."""
    bench.answered()
    bench.ring("rings")
    bench.receive(request("INVITE", body=SDP), PHONE)
    left = bench.box.legs.left()
    assert len({(bool(one.branch), bool(one.refusal)) for one in left}) == 3
    assert open_calls_from_json(open_calls_to_json(left)) == left
