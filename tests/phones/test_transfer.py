"""REFER: a transfer is asked of the desk, never done by the phone (P5; RFC 3515, RFC 5589)."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.calls.events import TransferAsked, TransferKind
from appliance.phones.message import Message
from tests.phones.world import Bench, desk, request, within

ATTENDED = "<sip:22@192.0.2.1?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>"


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(desk())


def refer(ack: Message, to: str, cseq: int = 1) -> bytes:
    """Write the phone's wish."""
    return within(ack, "REFER", cseq, extra=f"Refer-To: {to}")


@pytest.mark.parametrize(
    ("to", "target", "kind"),
    [
        ("<sip:22@192.0.2.1>", "22", TransferKind.BLIND),
        ("sip:*811@192.0.2.1", "*811", TransferKind.BLIND),
        ('"Anagrafe" <sip:0512194000@192.0.2.1;user=phone>', "0512194000", TransferKind.BLIND),
        (ATTENDED, "22", TransferKind.ATTENDED),
        ("<sip:ada@192.0.2.1>", "", TransferKind.BLIND),
        ("<tel:+39051>", "", TransferKind.BLIND),
        ("<http://example.com/?replaces=1>", "", TransferKind.ATTENDED),
    ],
)
def test_it_is_asked_and_refused(bench: Bench, to: str, target: str, kind: TransferKind) -> None:
    """202 and NOTIFY 100 at once; the desk's word ends it with 603; the call goes on."""
    ack = bench.answered()
    accepted, notify = bench.receive(refer(ack, to))
    assert accepted.code == 202
    assert (notify.method, notify.body) == ("NOTIFY", "SIP/2.0 100 Trying\r\n")
    assert (notify.get("Event"), notify.get("Content-Type")) == (
        "refer;id=1",
        "message/sipfrag;version=2.0",
    )
    assert notify.get("Subscription-State").startswith("active")
    bench.say(notify, 200)
    assert bench.events() == [TransferAsked("leg", "21", target, kind)]
    bench.box.legs.tell_transfer("leg", 603, bench.now)
    (told,) = bench.sent()
    assert told.body == "SIP/2.0 603 Decline\r\n"
    assert told.get("Subscription-State") == "terminated;reason=noresource"
    bench.say(told, 200)
    bench.box.legs.tell_transfer("leg", 603, bench.now)  # said once
    assert bench.wait(100.0) == []
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_desk_that_says_nothing_has_refused(bench: Bench) -> None:
    """After 10 s the phone is told; it may ask again then, but not twice at once (491)."""
    ack = bench.answered()
    _, notify = bench.receive(refer(ack, "<sip:22@x>"))
    bench.say(notify, 200)
    assert bench.receive(refer(ack, "<sip:22@x>", 2))[0].code == 491
    (told,) = bench.wait(10.1)
    assert "603" in told.body
    bench.say(told, 200)
    assert bench.receive(refer(ack, "<sip:22@x>", 3))[0].code == 202


def test_not_exactly_one_target(bench: Bench) -> None:
    """RFC 3515 2.4.2: 400."""
    ack = bench.answered()
    assert bench.receive(within(ack, "REFER", 1))[0].code == 400
    two = within(ack, "REFER", 2, extra="Refer-To: <sip:1@x>\nRefer-To: <sip:2@x>")
    assert bench.receive(two)[0].code == 400
    assert bench.events() == []


def test_from_outside_a_call(bench: Bench) -> None:
    """Nobody may send the box anywhere: 405, and nothing is told."""
    (refusal,) = bench.receive(request("REFER", extra="Refer-To: <sip:22@x>"))
    assert refusal.code == 405
    assert bench.events() == []


def test_a_notify_that_nobody_answers_changes_nothing(bench: Bench) -> None:
    """A phone that asks and does not listen keeps its call."""
    ack = bench.answered()
    bench.receive(refer(ack, "<sip:22@x>"))
    bench.events()
    bench.wait(60.0)
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]


def test_asked_before_the_call_is_up(bench: Bench) -> None:
    """A phone whose own call waits for the desk cannot transfer it."""
    bench.receive(request("INVITE", body="v=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 8\r\n"))
    (dialled,) = [e for e in bench.events() if isinstance(e, events.PhoneDialled)]
    call = bench.box.legs.calls[dialled.leg]
    tag = f"<sip:*811@192.0.2.1>;tag={call.dialog.local_tag}"
    early = request("REFER", 2, to=tag, branch="z9hG4bKr", extra="Refer-To: <sip:22@x>")
    assert bench.receive(early)[0].code == 491
