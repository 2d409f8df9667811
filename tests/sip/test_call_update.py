"""Who calls, shown on a phone that was rung before that was known: UPDATE, else INVITE."""

from __future__ import annotations

import pytest

from appliance.sip.dialog import open_calls_from_json, open_calls_to_json
from appliance.sip.message import SipMessage
from tests.sip.test_call import branch_of
from tests.sip.world import PHONE, SDP, Bench, box_endpoint, response

UPDATES = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"
SHOWN = '"Centralino 0511234567" <sip:0511234567@192.0.2.1>'


@pytest.fixture
def bench() -> Bench:
    """Return a box that knows phone 21."""
    return Bench(box_endpoint())


def show(bench: Bench) -> list[SipMessage]:
    """Let call control know who calls; returns what is sent because of it."""
    bench.box.legs.show("leg", "Centralino 0511234567", "0511234567", bench.now)
    return bench.sent()


def rung(bench: Bench, allow: str = UPDATES) -> SipMessage:
    """Ring a phone that says 180; returns our INVITE."""
    invite = bench.ring()
    bench.receive(response(invite, 180, tag="p", extra=allow))
    return invite


def up(bench: Bench, invite: SipMessage, allow: str = UPDATES) -> list[SipMessage]:
    """Let the phone answer; returns what is sent because of it."""
    return bench.receive(response(invite, 200, tag="p", body=SDP, extra=allow))


def is_shown(request: SipMessage) -> bool:
    """Tell whether a request names the caller, asserted and as From."""
    named = request.get("P-Asserted-Identity") == SHOWN
    return named and request.get("From").startswith(f"{SHOWN};tag=")


def test_a_ringing_phone_that_knows_update_is_told_at_once(bench: Bench) -> None:
    """RFC 3311 5.1: within the dialog that its 180 began, without a new offer."""
    invite = rung(bench)
    (update,) = show(bench)
    assert (update.method, update.body, update.call_id) == ("UPDATE", "", invite.call_id)
    assert update.fields.to_tag == "p"
    assert update.fields.cseq == invite.fields.cseq + 1
    assert is_shown(update)
    assert bench.say(update, 200, tag="p") == []
    (ack,) = up(bench, invite)
    assert (ack.method, ack.fields.cseq) == ("ACK", invite.fields.cseq)


def test_it_is_not_forgotten_by_what_comes_later(bench: Bench) -> None:
    """A session refresh must not bring back what the phone showed before (RFC 4916)."""
    invite = rung(bench)
    (update,) = show(bench)
    bench.say(update, 200, tag="p")
    up(bench, invite, f"{UPDATES}\nSession-Expires: 600;refresher=uac")
    refresh = next(m for m in bench.wait(301) if m.method == "UPDATE")
    assert refresh.get("From").startswith(SHOWN)


def test_a_phone_that_has_said_nothing_yet_is_told_when_it_rings(bench: Bench) -> None:
    """There is no dialog before its 180; 100 begins none."""
    invite = bench.ring()
    assert show(bench) == []
    assert bench.say(invite, 100) == []
    (update,) = bench.receive(response(invite, 180, tag="p", extra=UPDATES))
    assert is_shown(update)
    assert bench.receive(response(invite, 180, tag="p", extra=UPDATES)) == [], "told once"


@pytest.mark.parametrize("allow", ["", "Allow: INVITE, ACK, BYE"])
def test_a_phone_without_update_is_told_as_it_answers(bench: Bench, allow: str) -> None:
    """Only a re-INVITE is left, and while it rings there can be none (14.1)."""
    invite = rung(bench, allow)
    assert show(bench) == []
    ack, again = up(bench, invite, allow)
    assert (ack.method, again.method) == ("ACK", "INVITE")
    assert is_shown(again)
    assert again.body.splitlines()[1:] == invite.body.splitlines()[1:], "the sound stays as it is"
    assert [m.method for m in bench.say(again, 200, tag="p", body=SDP)] == ["ACK"]
    assert bench.wait(60) == []


def test_a_phone_in_a_conversation_is_told(bench: Bench) -> None:
    """Who lifts at the first ring is told as soon as it is known."""
    up(bench, rung(bench))
    (update,) = show(bench)
    assert update.method == "UPDATE"
    assert is_shown(update)


@pytest.mark.parametrize("code", [405, 481, 491, 500, 501])
def test_a_ringing_phone_that_refuses_the_update(bench: Bench, code: int) -> None:
    """Whatever it has against it: it rings on, and is told by INVITE when it has answered."""
    invite = rung(bench)
    (update,) = show(bench)
    assert bench.say(update, code, tag="p") == []
    _, again = up(bench, invite, "Allow: INVITE, ACK, BYE")
    assert again.method == "INVITE"
    assert is_shown(again)


def test_one_that_answers_before_it_refuses(bench: Bench) -> None:
    """The refusal crosses the answer: it is told by INVITE then."""
    invite = rung(bench)
    (update,) = show(bench)
    up(bench, invite)
    (again,) = bench.say(update, 405, tag="p")
    assert (again.method, is_shown(again)) == ("INVITE", True)
    assert [m.method for m in bench.say(again, 405, tag="p")] == ["ACK"], "it is left in peace"
    assert bench.wait(60) == []


def test_one_that_never_answers_the_update_rings_on(bench: Bench) -> None:
    """It is no matter of the call; what was asked for is asked once."""
    invite = rung(bench)
    show(bench)
    bench.wait(40)
    assert [m.method for m in up(bench, invite)] == ["ACK"]


def test_a_cancel_is_that_of_the_invite(bench: Bench) -> None:
    """RFC 3261 9.1: From and the number are the INVITE's, whatever was said since."""
    invite = rung(bench)
    (update,) = show(bench)
    bench.say(update, 200, tag="p")
    bench.box.legs.stop("leg", bench.now)
    (cancel,) = bench.sent()
    assert (cancel.method, cancel.fields.cseq) == ("CANCEL", invite.fields.cseq)
    assert cancel.get("From") == invite.get("From")
    assert branch_of(cancel) == branch_of(invite)


def test_a_cancel_after_a_restart_is_too(bench: Bench) -> None:
    """What killed call control leaves behind names the INVITE, not what followed it."""
    invite = rung(bench)
    (update,) = show(bench)
    bench.say(update, 200, tag="p")
    kept = open_calls_from_json(open_calls_to_json(bench.box.legs.left()))
    after = Bench(box_endpoint())
    after.box.end_left(kept, 0.0)
    (cancel,) = after.sent()
    assert (cancel.method, cancel.fields.cseq) == ("CANCEL", invite.fields.cseq)
    assert cancel.get("From") == invite.get("From")


def test_an_invite_that_must_be_sent_again_says_it(bench: Bench) -> None:
    """A phone that wants a longer session is asked anew, with what is known by then."""
    invite = bench.ring()
    assert show(bench) == []
    _, again = bench.receive(response(invite, 422, tag="p", extra="Min-SE: 3600"))
    assert again.get("From").startswith(SHOWN)
    assert bench.receive(response(again, 180, tag="p", extra=UPDATES)) == []


def test_an_update_renews_the_session_it_may_end(bench: Bench) -> None:
    """RFC 4028 7.4: an UPDATE without a timer would switch it off."""
    up(bench, rung(bench), f"{UPDATES}\nSession-Expires: 600;refresher=uac")
    (update,) = show(bench)
    assert update.get("Session-Expires") == "600;refresher=uac"
    bench.now += 100.0
    bench.receive(response(update, 200, tag="p", extra="Session-Expires: 600;refresher=uac"))
    assert bench.wait(290) == []
    assert [m.method for m in bench.wait(20)][:1] == ["UPDATE"]


def test_an_offer_of_the_phone_waits_for_ours(bench: Bench) -> None:
    """RFC 3261 14.2: one change at a time."""
    up(bench, rung(bench))
    (update,) = show(bench)
    call = bench.box.legs.calls["leg"]
    assert call.life.refreshing
    bench.say(update, 200, tag="p")
    assert not call.life.refreshing


def test_a_late_news_waits_for_the_one_under_way(bench: Bench) -> None:
    """Two names at once: the second is told after the first."""
    rung(bench)
    (update,) = show(bench)
    assert show(bench) == []
    (second,) = bench.say(update, 200, tag="p")
    assert is_shown(second)


def test_an_answer_without_sound_leaves_it_as_it_is(bench: Bench) -> None:
    """The re-INVITE's answer cannot be used: the session stays as it was."""
    invite = rung(bench, "")
    show(bench)
    _, again = up(bench, invite, "")
    bench.events()
    assert [m.method for m in bench.say(again, 200, tag="p", body="v=0\r\n")] == ["ACK"]
    assert bench.events() == []


def test_a_leg_that_is_over_is_shown_nothing(bench: Bench) -> None:
    """Call control's word crosses the phone's refusal."""
    bench.say(bench.ring(), 486, tag="q")
    assert show(bench) == []
    assert bench.receive(b"", PHONE) == []
