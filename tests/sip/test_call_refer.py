"""REFER: a transfer is asked of call control, never done by the phone (P5; RFC 3515, RFC 5589)."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.calls.events import TransferAsked, TransferKind
from appliance.sip.message import SipMessage
from appliance.sip.registrar import PhoneAccount
from tests.sip.world import MEDIA, PHONE, SDP, Bench, box_endpoint, request, response, within

ATTENDED = "<sip:22@192.0.2.1?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>"


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def refer(ack: SipMessage, to: str, cseq: int = 1) -> bytes:
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
        ("<tel:+39051>", "0039051", TransferKind.BLIND),
        ("<http://example.com/?replaces=1>", "", TransferKind.ATTENDED),
    ],
)
def test_it_is_asked_and_refused(bench: Bench, to: str, target: str, kind: TransferKind) -> None:
    """202 and NOTIFY 100 at once; call control's word ends it with 603; the call goes on."""
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
    fault = 481 if kind is TransferKind.ATTENDED else 0  # no such call here
    assert bench.events() == [TransferAsked("leg", "21", target, kind, fault=fault)]
    bench.box.legs.tell_transfer("leg", 603, bench.now)
    (told,) = bench.sent()
    assert told.body == "SIP/2.0 603 Decline\r\n"
    assert told.get("Subscription-State") == "terminated;reason=noresource"
    bench.say(told, 200)
    bench.box.legs.tell_transfer("leg", 603, bench.now)  # said once
    assert bench.wait(100.0) == []
    assert list(bench.box.legs.calls) == ["leg"]


def test_call_control_that_says_nothing_has_refused(bench: Bench) -> None:
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
    """A phone whose own call waits for call control cannot transfer it."""
    bench.receive(request("INVITE", body="v=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 8\r\n"))
    (dialled,) = [e for e in bench.events() if isinstance(e, events.PhoneDialled)]
    call = bench.box.legs.calls[dialled.leg]
    tag = f"<sip:*811@192.0.2.1>;tag={call.dialog.local_tag}"
    early = request("REFER", 2, to=tag, branch="z9hG4bKr", extra="Refer-To: <sip:22@x>")
    assert bench.receive(early)[0].code == 491


# --- attended: the phone names its two calls ------------------------------------------------------

TWO = ("192.0.2.22", 5060)


def consulted(bench: Bench, accept: bool = True) -> tuple[str, str, str]:
    """Let phone 21 dial a second call; returns its leg and Replaces' to-tag and from-tag."""
    bench.receive(request("INVITE", uri="sip:31@192.0.2.1", body=SDP))
    (dialled,) = (e for e in bench.events() if isinstance(e, events.PhoneDialled))
    tag = bench.box.legs.calls[dialled.leg].dialog.local_tag
    if accept:
        bench.box.legs.accept(dialled.leg, MEDIA, bench.now)
        bench.events()
        bench.sent()
    return dialled.leg, tag, "p"


def joining(to_tag: str, from_tag: str, more: str = "", call_id: str = "their-call") -> str:
    """Write the Refer-To of an attended transfer."""
    return (
        f"<sip:31@192.0.2.1?Replaces={call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}{more}>"
    )


def asked(bench: Bench) -> tuple[str, int]:
    """Return what call control was told: the other leg, or the fault."""
    (told,) = (e for e in bench.events() if isinstance(e, TransferAsked))
    assert (told.leg, told.kind) == ("leg", TransferKind.ATTENDED)
    return told.other, told.fault


@pytest.mark.parametrize("more", ["", "&Require=replaces", "%3Bearly-onlyx"])
def test_it_names_its_other_call(bench: Bench, more: str) -> None:
    """RFC 3891: by Call-ID and both tags, `to-tag` being ours; call control is told the leg."""
    ack = bench.answered()
    leg, to_tag, from_tag = consulted(bench)
    (accepted, _) = bench.receive(refer(ack, joining(to_tag, from_tag, more)))
    assert accepted.code == 202
    assert asked(bench) == (leg, 0)


def test_what_it_names_is_no_call_of_its_own(bench: Bench) -> None:
    """481: one tag wrong, the tags changed round, another Call-ID, no tags at all; 486: it was to
    be one not yet answered.
    """
    ack = bench.answered()
    leg, to_tag, from_tag = consulted(bench)
    wrong = (
        joining("x", from_tag),
        joining(to_tag, "x"),
        joining(from_tag, to_tag),
        joining(to_tag, from_tag, call_id="other"),
        "<sip:31@192.0.2.1?Replaces=their-call>",
        "<sip:31@192.0.2.1?X=1&Replaces=>",
    )
    for cseq, to in enumerate((*wrong, joining(to_tag, from_tag, "%3Bearly-only")), 1):
        bench.receive(refer(ack, to, cseq))
        assert asked(bench) == ("", 481 if to in wrong else 486)
        bench.box.legs.tell_transfer("leg", 481, bench.now)
        assert "481 Call/Transaction Does Not Exist" in bench.sent()[-1].body
    assert set(bench.box.legs.calls) == {"leg", leg}


def test_the_other_call_is_not_answered_yet(bench: Bench) -> None:
    """RFC 3891 3: an early dialog that we have not begun is not replaced: 481."""
    ack = bench.answered()
    _, to_tag, from_tag = consulted(bench, accept=False)
    bench.receive(refer(ack, joining(to_tag, from_tag)))
    assert asked(bench) == ("", 481)


def test_another_phones_call_is_none_of_its_own() -> None:
    """403, though it knows the call's name: nobody puts a caller into a colleague's call."""
    accounts = (PhoneAccount("21", fixed_address=PHONE), PhoneAccount("22", fixed_address=TWO))
    bench = Bench(box_endpoint(*accounts))
    ack = bench.answered()
    invite = bench.ring("other", "22")
    bench.receive(_answer_of_22(invite), TWO)
    bench.events()
    dialog = bench.box.legs.calls["other"].dialog
    to = joining(dialog.local_tag, dialog.remote_tag, call_id=dialog.call_id)
    bench.receive(refer(ack, to))
    assert asked(bench) == ("", 403)


def _answer_of_22(invite: SipMessage) -> bytes:
    return response(invite, 200, tag="q", body=SDP.replace("192.0.2.21", "192.0.2.22"))


@pytest.mark.parametrize("required", ["", "Require: replaces\n"])
def test_an_invite_that_would_replace_a_call(bench: Bench, required: str) -> None:
    """Nobody puts itself in another's place: 403 for a call there is, 481 for none; it goes on."""
    ack = bench.answered()
    dialog = bench.box.legs.calls["leg"].dialog
    known = f"{dialog.call_id};to-tag={dialog.local_tag};from-tag={dialog.remote_tag}"
    for number, (replaces, code) in enumerate(((known, 403), ("x;to-tag=1;from-tag=2", 481))):
        invite = request(
            "INVITE", body=SDP, call_id=f"new-{number}", branch=f"z9hG4bKnew{number}",
            extra=f"{required}Replaces: {replaces}",
        )  # fmt: skip
        assert [answer.code for answer in bench.receive(invite)] == [code]
    assert bench.events() == []
    assert list(bench.box.legs.calls) == ["leg"]
    assert ack.method == "ACK"
