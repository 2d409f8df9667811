"""Calls that stay alive, or are known to be dead: session timers, the question for life."""

from __future__ import annotations

import pytest

from appliance.calls import events
from appliance.sip.call_states import (
    SessionTimer,
    is_too_brief,
    session_asked,
    session_granted,
    session_settled,
)
from appliance.sip.message import SipMessage, read
from appliance.sip.pyvoip import parse
from tests.sip.world import PHONE, SDP, Bench, box_endpoint, request, response, within

UPDATES = "Allow: INVITE, ACK, BYE, UPDATE"


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def answered(bench: Bench, extra: str, body: str = SDP) -> SipMessage:
    """Ring, let the phone answer with more headers, and return the ACK."""
    invite = bench.ring()
    (ack,) = bench.receive(response(invite, 200, tag="p", body=body, extra=extra))
    bench.events()
    return ack


def lost(bench: Bench) -> str:
    """Return the reason of the one PhoneLost that was told."""
    (told,) = bench.events()
    assert isinstance(told, events.PhoneLost)
    assert bench.box.legs.calls == {}
    return told.reason


def message(method: str = "INVITE", extra: str = "") -> SipMessage:
    """Return a phone's request with more headers."""
    found = read(request(method, extra=extra), parse)
    assert found
    return found


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("1800", (1800, "")),
        ("90;refresher=uac", (90, "uac")),
        (" 600 ; x=y; Refresher = UAS", (600, "uas")),
        ("600;refresher=nobody", (600, "")),
        ("soon", (0, "")),
        ("", (0, "")),
    ],
)
def test_session_expires_is_read(value: str, wanted: tuple[int, str]) -> None:
    """Seconds and refresher in any spelling; nonsense is no session timer."""
    assert session_asked(message(extra=f"Session-Expires: {value}")) == wanted


def test_the_compact_name() -> None:
    """RFC 4028 4: `x` is Session-Expires."""
    assert session_asked(message(extra="x: 120;refresher=uas")) == (120, "uas")


def test_when_it_is_renewed_and_when_it_ends() -> None:
    """RFC 4028 10: renewed half way; ended a third of it, at most 32 s, before its time."""
    assert SessionTimer(1800, True, 100.0).refresh_at == 1000.0
    assert SessionTimer(1800, False, 100.0).refresh_at is None
    assert SessionTimer(1800, False, 100.0).ends_at == 1868.0
    assert SessionTimer(90, False, 100.0).ends_at == 160.0


@pytest.mark.parametrize(
    ("extra", "we_refresh", "said"),
    [
        ("Session-Expires: 600\nSupported: 100rel, Timer", False, "600;refresher=uac"),
        ("Session-Expires: 600;refresher=uac\nk: timer", False, "600;refresher=uac"),
        ("Session-Expires: 600;refresher=uas\nSupported: timer", True, "600;refresher=uas"),
        ("Session-Expires: 600;refresher=uac", True, "600;refresher=uas"),
    ],
)
def test_what_a_phone_is_granted(extra: str, we_refresh: bool, said: str) -> None:
    """RFC 4028 9, table 2: the phone's choice, or ours for a phone that knows no timer."""
    timer, headers = session_granted(message(extra=extra), 5.0)
    assert timer == SessionTimer(600, we_refresh, 5.0)
    assert dict(headers)["Session-Expires"] == said
    assert ("Require" in dict(headers)) is not we_refresh


def test_no_timer_asked_for_is_no_timer() -> None:
    """RFC 4028 9: without Session-Expires the answer has none."""
    assert session_granted(message(), 0.0) == (None, ())
    assert session_settled(message(), 0.0) is None


def test_too_brief() -> None:
    """RFC 4028 4.2: at least 90 s."""
    assert is_too_brief(message(extra="Session-Expires: 89"))
    assert not is_too_brief(message(extra="Session-Expires: 90"))
    assert not is_too_brief(message())


# --- session timers in calls --------------------------------------------------------------------


def test_the_invite_asks_for_half_an_hour(bench: Bench) -> None:
    """The phone may choose who renews; a phone that knows no timer has none."""
    invite = bench.ring()
    assert invite.get("Session-Expires") == "1800"
    assert (invite.get("Min-SE"), invite.get("Supported")) == ("90", "timer, replaces")
    bench.say(invite, 200, tag="p", body=SDP)
    assert bench.wait(4000.0) == []


@pytest.mark.parametrize(("allow", "method"), [(UPDATES, "UPDATE"), ("Allow: INVITE", "INVITE")])
def test_we_renew(bench: Bench, allow: str, method: str) -> None:
    """Half way, by UPDATE where the phone knows it, else by the same offer; again and again."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{allow}")
    for _ in range(3):
        (renewal,) = bench.wait(100.0)
        assert renewal.method == method
        assert renewal.get("Session-Expires") == "200;refresher=uac"
        assert ("m=audio" in renewal.body) is (method == "INVITE")
        body = SDP if method == "INVITE" else ""
        more = bench.say(renewal, 200, body=body, extra="Session-Expires: 200;refresher=uac")
        assert [m.method for m in more] == (["ACK"] if method == "INVITE" else [])
    assert bench.events() == []


def test_a_renewal_by_invite_that_brings_news(bench: Bench) -> None:
    """The answer to our own re-INVITE may hold the call."""
    answered(bench, "Session-Expires: 200;refresher=uac")
    (renewal,) = bench.wait(100.0)
    bench.say(
        renewal, 200, body=SDP.replace("sendrecv", "sendonly"),
        extra="Session-Expires: 200;refresher=uac",
    )  # fmt: skip
    (told,) = bench.events()
    assert isinstance(told, events.MediaAgreed)
    assert not told.sending


def test_a_renewal_answered_without_sound(bench: Bench) -> None:
    """The sound stays as it was agreed."""
    answered(bench, "Session-Expires: 200;refresher=uac")
    (renewal,) = bench.wait(100.0)
    extra = "Session-Expires: 200;refresher=uac"
    assert [m.method for m in bench.say(renewal, 200, body="nonsense", extra=extra)] == ["ACK"]
    assert bench.events() == []


def test_the_phone_renews(bench: Bench) -> None:
    """An UPDATE of the phone in time keeps the call; it is granted what it asks."""
    ack = answered(bench, "Session-Expires: 100;refresher=uas")
    for cseq in (1, 2, 3):
        assert bench.wait(60.0) == []
        renewal = within(
            ack, "UPDATE", cseq, extra="Session-Expires: 100;refresher=uac\nSupported: timer"
        )
        (ok,) = bench.receive(renewal)
        assert (ok.code, ok.get("Session-Expires")) == (200, "100;refresher=uac")
        assert ok.get("Require") == "timer"
    assert bench.events() == []


def test_a_session_that_nobody_renews_ends_with_its_reason(bench: Bench) -> None:
    """RFC 4028 10: BYE a third before its end; call control is told why."""
    answered(bench, "Session-Expires: 90;refresher=uas")
    assert bench.wait(59.0) == []
    assert [m.method for m in bench.wait(1.5)][:1] == ["BYE"]
    assert "not renewed" in lost(bench)


def test_a_renewal_without_an_answer(bench: Bench) -> None:
    """A phone that does not answer the renewal is gone."""
    answered(bench, f"Session-Expires: 300;refresher=uac\n{UPDATES}")
    sent = bench.wait(190.0)
    assert {m.method for m in sent} == {"UPDATE", "BYE"}
    assert "renewal" in lost(bench)


def test_a_renewal_of_a_call_it_forgot(bench: Bench) -> None:
    """481: the phone was restarted; there is nobody on the line."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    bench.say(renewal, 481)
    assert "forgotten the call (481)" in lost(bench)


def test_update_is_not_known_after_all(bench: Bench) -> None:
    """405 to the UPDATE: the renewal goes by INVITE."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    bench.say(renewal, 405)
    (again,) = bench.wait(0.0)
    assert again.method == "INVITE"


def test_renewals_that_cross(bench: Bench) -> None:
    """491 on both sides (14.1): ours is tried again after 2.1 to 4 s, the phone's when it wants."""
    ack = answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    assert bench.receive(within(ack, "INVITE", 1, body=SDP))[0].code == 491
    bench.say(renewal, 491)
    assert bench.receive(within(ack, "INVITE", 2, body=SDP))[0].code == 200
    bench.receive(within(ack, "ACK", 2))
    assert bench.events() == []


def test_after_glare_it_is_tried_again(bench: Bench) -> None:
    """Not before 2.1 s, not after 4 s."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    bench.say(renewal, 491)
    assert bench.wait(2.0) == []
    assert [m.method for m in bench.wait(2.1)][:1] == ["UPDATE"]


@pytest.mark.parametrize("code", [491, 500])
def test_a_renewal_by_invite_that_is_refused_is_acknowledged(bench: Bench, code: int) -> None:
    """17.1.1.3: the refusal gets the ACK of its INVITE, each time it comes; the call goes on."""
    answered(bench, "Session-Expires: 200;refresher=uac\nAllow: INVITE")
    (renewal,) = bench.wait(100.0)
    for _ in range(2):
        (ack,) = bench.say(renewal, code)
        assert (ack.method, ack.fields.branch) == ("ACK", renewal.fields.branch)
        assert (ack.fields.cseq, ack.fields.to_tag) == (renewal.fields.cseq, "p")
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_renewal_that_is_too_brief_for_the_phone(bench: Bench) -> None:
    """422 with Min-SE: asked again for as much."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    bench.say(renewal, 422, extra="Min-SE: 300")
    (again,) = bench.wait(0.0)
    assert again.get("Session-Expires") == "300;refresher=uac"


def test_a_renewal_refused_otherwise_is_tried_until_the_end(bench: Bench) -> None:
    """500: every 10 s anew; the session's end ends the call."""
    answered(bench, f"Session-Expires: 200;refresher=uac\n{UPDATES}")
    (renewal,) = bench.wait(100.0)
    bench.say(renewal, 500)
    (again,) = bench.wait(10.0)
    bench.say(again, 500)
    assert bench.wait(9.0) == []


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_phone_asks_for_too_little(bench: Bench, method: str) -> None:
    """422 with what we grant (8.1); the call goes on."""
    ack = bench.answered()
    refused = within(ack, method, 1, body=SDP, extra="Session-Expires: 30\nSupported: timer")
    (refusal,) = bench.receive(refused)
    assert (refusal.code, refusal.get("Min-SE")) == (422, "90")
    assert list(bench.box.legs.calls) == ["leg"]


def test_a_phone_that_dials_with_a_timer(bench: Bench) -> None:
    """It may require `timer` and is granted what it asks (too little: 422); unrenewed, it ends."""
    extra = "Session-Expires: 30\nSupported: timer\nRequire: timer"
    assert bench.receive(request("INVITE", body=SDP, extra=extra))[-1].code == 422
    extra = extra.replace("30", "90")
    dialled = request("INVITE", call_id="b", branch="z9hG4bKb", body=SDP, extra=extra)
    assert bench.receive(dialled)[-1].code == 180
    leg = next(e.leg for e in bench.events() if isinstance(e, events.PhoneDialled))
    bench.box.legs.accept(leg, ("192.0.2.1", 16000), bench.now)
    (ok,) = bench.sent()
    assert (ok.get("Session-Expires"), ok.get("Require")) == ("90;refresher=uac", "timer")
    ack = request(
        "ACK", call_id="b", branch="z9hG4bKa", to=ok.get("To"), uri="sip:centralino@192.0.2.1"
    )
    bench.receive(ack)
    bench.events()
    bench.wait(61.0)
    assert "90 s was not renewed" in lost(bench)


def test_what_else_is_required_is_refused(bench: Bench) -> None:
    """420 names what we cannot do, and only that (8.2.2.3)."""
    (refusal,) = bench.receive(request("INVITE", body=SDP, extra="Require: timer, 100rel, x"))
    assert (refusal.code, refusal.get("Unsupported")) == (420, "100rel, x")


# --- the question for life ----------------------------------------------------------------------


def test_a_phone_without_power_is_known_in_five_seconds(bench: Bench) -> None:
    """Asked when its sound stops; four questions without an answer and it is gone."""
    bench.answered()
    bench.box.legs.ask("leg", bench.now)
    bench.box.legs.ask("leg", bench.now)  # asked already
    sent = bench.wait(4.9)
    assert [m.method for m in sent] == ["OPTIONS"] * 4
    assert bench.events() == []
    sent = bench.wait(0.2)
    assert [m.method for m in sent] == ["BYE"]
    assert "did not answer the question for life in 5 s" in lost(bench)


@pytest.mark.parametrize("code", [200, 404, 405, 488, 501, 603])
def test_any_answer_is_a_sign_of_life(bench: Bench, code: int) -> None:
    """Whatever a phone says to it, it is there and knows the call."""
    bench.answered()
    bench.box.legs.ask("leg", bench.now)
    (question,) = bench.sent()
    bench.say(question, code)
    assert bench.wait(100.0) == []
    assert bench.events() == []


@pytest.mark.parametrize("code", [481, 408])
def test_a_phone_that_was_restarted(bench: Bench, code: int) -> None:
    """Its answer says that it knows of no call (RFC 5057)."""
    bench.answered()
    bench.box.legs.ask("leg", bench.now)
    (question,) = bench.sent()
    bench.say(question, code)
    assert f"({code})" in lost(bench)


@pytest.mark.parametrize("code", [477, 502])
def test_a_proxy_that_cannot_reach_it(bench: Bench, code: int) -> None:
    """A link that is cut behind the proxy: its answer is none of the phone's."""
    bench.answered()
    bench.box.legs.ask("leg", bench.now)
    (question,) = bench.sent()
    bench.say(question, code)
    assert f"cannot reach it ({code})" in lost(bench)


def test_the_network_says_that_it_is_gone(bench: Bench) -> None:
    """ICMP: known at once."""
    bench.answered()
    bench.box.legs.ask("leg", bench.now)
    bench.sent()
    bench.box.refused(PHONE, bench.now)
    assert "nobody listens" in lost(bench)


def test_a_phone_on_hold_is_asked_every_15_seconds(bench: Bench) -> None:
    """Its silence means nothing then; resumed, it is asked no more."""
    ack = bench.answered()
    bench.receive(within(ack, "UPDATE", 1, body=SDP.replace("sendrecv", "sendonly")))
    for _ in range(3):
        assert bench.wait(14.9) == []
        (question,) = bench.wait(0.2)
        assert question.method == "OPTIONS"
        bench.say(question, 200)
    bench.receive(within(ack, "UPDATE", 2, body=SDP))
    bench.events()
    assert bench.wait(100.0) == []


def test_a_phone_that_loses_power_on_hold(bench: Bench) -> None:
    """Known 20 s after its hold at the latest."""
    ack = bench.answered()
    bench.receive(within(ack, "UPDATE", 1, body=SDP.replace("sendrecv", "inactive")))
    bench.events()
    bench.wait(20.1)
    assert "question for life" in lost(bench)


def test_only_a_call_that_is_up_is_asked(bench: Bench) -> None:
    """A phone that rings, or whose call is over, is not."""
    bench.ring()
    bench.box.legs.ask("leg", bench.now)
    bench.box.legs.ask("nobody", bench.now)
    assert bench.sent() == []
