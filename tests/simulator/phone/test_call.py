"""Calls of the test phone, incoming and outgoing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from appliance.errors import OfficeError
from appliance.simulator.phone import sip, sound
from appliance.simulator.phone.call import PhoneCallState
from tests.simulator.phone.challenge import CHALLENGE, proves
from tests.simulator.phone.harness import BRANCH, FAR, SDP, SERVER, Bench, firsts, request

if TYPE_CHECKING:
    from appliance.simulator.phone.sip import SipMessage


def test_a_call_rings_is_answered_and_ended_by_the_far_end() -> None:
    """100, 180 and 200 bear one To-tag; ACK makes the conversation, BYE ends it."""
    bench = Bench()
    sent = bench.put(request("INVITE", body=SDP))
    assert firsts(sent) == ["100", "180"]
    assert "tag" not in sip.parameters(sent[0].get("to"))
    ok = bench.do("answer")[0]
    assert ok.get("to") == sent[1].get("to")
    tag = sip.parameters(ok.get("to"))["tag"]
    bench.put(request("ACK", to_tag=tag, branch="z9hG4bK-ack"))
    assert bench.phone.current().state is PhoneCallState.TALKING
    assert firsts(bench.put(request("BYE", to_tag=tag, branch="z9hG4bK-b", cseq=2))) == ["200"]
    assert bench.kinds() == ["on", "invite", "ringing", "answered", "ack", "bye", "ended"]
    assert bench.last("ended") == {"call": 1, "cause": "far_end"}
    assert bench.pass_time(100) == []


def test_the_invite_is_told_in_full() -> None:
    """Caller, name, called number and the message itself stand in the event."""
    bench = Bench()
    bench.put(request("INVITE", body=SDP))
    told = bench.last("invite")
    assert (told["caller"], told["caller_name"], told["called"]) == (
        "051234567",
        "Rossi, M.",
        "op1",
    )
    assert "Call-ID: call-1" in told["message"]


def test_who_calls_may_be_told_while_it_rings() -> None:
    """RFC 3311, RFC 5876: its 180 allows UPDATE; what that asserts is told, and it rings on."""
    bench = Bench()
    ringing = bench.put(request("INVITE", body=SDP))[1]
    assert "UPDATE" in ringing.get("allow")
    tag = sip.parameters(ringing.get("to"))["tag"]
    asserted = 'P-Asserted-Identity: "Centralino 333" <sip:333@127.0.0.9>\r\n'
    for number, more in ((2, asserted), (3, "")):
        update = request("UPDATE", to_tag=tag, branch=f"z9hG4bK-{number}", cseq=number, more=more)
        assert firsts(bench.put(update)) == ["200"]
    assert bench.kinds() == ["on", "invite", "ringing", "caller"]
    assert bench.last("caller") == {"call": 1, "caller": "333", "caller_name": "Centralino 333"}
    assert bench.phone.current().state is PhoneCallState.RINGING


def test_a_repeated_invite_gets_the_same_answer_and_makes_no_second_call() -> None:
    """RFC 3261 17.2.1: a retransmitted request is answered by the transaction."""
    bench = Bench()
    bench.put(request("INVITE", body=SDP))
    assert firsts(bench.put(request("INVITE", body=SDP))) == ["180"]
    assert bench.kinds().count("invite") == 1


def test_the_200_is_repeated_until_its_ack() -> None:
    """RFC 3261 13.3.1.4: after 0.5, 1, 2, 4, 4 ... s; no more once the ACK is there."""
    bench = Bench("auto")
    start = bench.now
    bench.put(request("INVITE", body=SDP))
    bench.pass_time(12)
    times = [at - start for at, m, _ in bench.log if not m.is_request and m.status == 200]
    assert times == [0, 0.5, 1.5, 3.5, 7.5, 11.5]
    tag = bench.phone.current().dialog.tag  # type: ignore[union-attr]  # it rang, so it has one
    bench.put(request("ACK", to_tag=tag, branch="z9hG4bK-ack"))
    assert bench.pass_time(100) == []
    assert bench.phone.current().state is PhoneCallState.TALKING


def test_without_ack_the_call_falls_after_32_seconds() -> None:
    """Real phones drop it (pyvoip.md 2, baresip): no_ack, a BYE, and the call is over."""
    bench = Bench("auto")
    bench.put(request("INVITE", body=SDP))
    bench.pass_time(31.9)
    assert "no_ack" not in bench.kinds()
    sent = bench.pass_time(0.2)
    assert bench.kinds()[-2:] == ["no_ack", "ended"]
    assert firsts(sent) == ["BYE"]
    assert bench.last("ended")["cause"] == "no_ack"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"to_tag": "random"}, "To-tag 'random'"),
        ({"from_tag": "other"}, "From-tag 'other'"),
        ({"cseq": 2}, "CSeq 2 instead of 1"),
        ({"branch": "abc"}, "does not begin with z9hG4bK"),
        ({"branch": BRANCH}, "the INVITE's own branch"),
    ],
)
def test_a_wrong_ack_does_not_count_and_is_named(wrong: dict[str, str], says: str) -> None:
    """The ACK to a 2xx needs both tags, the INVITE's number and a branch of its own."""
    bench = Bench("auto")
    ok = bench.put(request("INVITE", body=SDP))[-1]
    right = {"to_tag": sip.parameters(ok.get("to"))["tag"], "branch": "z9hG4bK-ack"}
    bench.put(request("ACK", **(right | wrong)))  # type: ignore[arg-type]  # cseq is a number
    assert says in bench.last("bad_ack")["reason"]
    assert bench.phone.current().state is PhoneCallState.ANSWERED
    bench.pass_time(32)
    assert bench.last("ended")["cause"] == "no_ack"


def test_cancel_ends_the_ringing_with_487_and_its_reason() -> None:
    """RFC 3261 9.2; the Reason header (RFC 3326) tells "answered elsewhere"."""
    bench = Bench()
    bench.put(request("INVITE", body=SDP))
    why = 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'
    assert firsts(bench.put(request("CANCEL", more=why))) == ["200", "487"]
    assert bench.last("cancelled")["reason"] == 'SIP;cause=200;text="Call completed elsewhere"'
    assert firsts(bench.pass_time(1)) == ["487"]
    bench.put(request("ACK", to_tag="any"))
    assert bench.pass_time(60) == []


def test_a_cancel_that_comes_after_the_answer_changes_nothing() -> None:
    """It is answered 200 and the call goes on (RFC 3261 9.2)."""
    bench = Bench("auto")
    bench.put(request("INVITE", body=SDP))
    assert firsts(bench.put(request("CANCEL"))) == ["200"]
    assert bench.phone.current().state is PhoneCallState.ANSWERED


def test_a_cancel_of_nothing_is_refused() -> None:
    """RFC 3261 9.2: 481."""
    assert firsts(Bench().put(request("CANCEL"))) == ["481"]


@pytest.mark.parametrize(("mode", "status"), [("decline", "603"), ("busy", "486")])
def test_a_phone_may_decline_or_be_busy(mode: str, status: str) -> None:
    """The refusal is repeated until its ACK, which bears the INVITE's own branch."""
    bench = Bench(mode)
    assert firsts(bench.put(request("INVITE", body=SDP)))[-1] == status
    assert firsts(bench.pass_time(1)) == [status]
    bench.put(request("ACK", to_tag="any"))
    assert bench.pass_time(60) == []
    assert bench.last("ended")["cause"] == "refused"


def test_auto_answers_after_its_time() -> None:
    """after_ms = 300: nothing at 299 ms, the 200 at 300 ms."""
    bench = Bench("auto", after_ms=300)
    bench.put(request("INVITE", body=SDP))
    assert bench.pass_time(0.299) == []
    assert firsts(bench.pass_time(0.002)) == ["200"]


@pytest.mark.parametrize(
    ("more", "answers"),
    [
        ("", False),
        ("Answer-Mode: Auto\r\n", True),
        ("Answer-Mode: Manual\r\n", False),
        ("Call-Info: <sip:box>;answer-after=0\r\n", True),
        ("Call-Info: <sip:box>;answer-after=30\r\n", False),
        ("Alert-Info: <http://box>;info=alert-autoanswer;delay=0\r\n", True),
        ("Alert-Info: <http://box>;info=family\r\n", False),
    ],
)
def test_one_that_obeys_answers_by_itself_where_it_is_asked(more: str, answers: bool) -> None:
    """RFC 5373, Call-Info, Alert-Info: each is enough; else it rings until it is lifted."""
    bench = Bench("obeys")
    told = firsts(bench.put(request("INVITE", body=SDP, more=more)))
    assert told == ["100", "180", *(["200"] if answers else [])]
    if not answers:
        assert bench.pass_time(60) == []
        assert firsts(bench.do("answer")) == ["200"]


def test_one_that_talks_answers_when_it_is_told() -> None:
    """BroadSoft's event package: named in the 180, a NOTIFY in the early dialog, 200 to both."""
    bench = Bench("talks")
    ringing = bench.put(request("INVITE", body=SDP, more="Answer-Mode: Auto\r\n"))
    assert firsts(ringing) == ["100", "180"]
    assert ringing[-1].get("allow-events") == "hold, talk"
    tag = sip.parameters(ringing[-1].get("to"))["tag"]
    other = request("NOTIFY", cseq=2, to_tag=tag, branch="z9hG4bK-2", more="Event: hold\r\n")
    assert firsts(bench.put(other)) == ["200"]
    told = request("NOTIFY", cseq=3, to_tag=tag, branch="z9hG4bK-3", more="Event: talk\r\n")
    assert [(m.first[8:11], m.get("cseq")) for m in bench.put(told)] == [
        ("200", "3 NOTIFY"), ("200", "1 INVITE"),
    ]  # fmt: skip
    again = request("NOTIFY", cseq=4, to_tag=tag, branch="z9hG4bK-4", more="Event: talk\r\n")
    assert firsts(bench.put(again)) == ["200"], "it is up already"


def test_one_that_does_not_obey_rings() -> None:
    """As a phone does that was not told to."""
    bench = Bench()
    told = bench.put(request("INVITE", body=SDP, more="Answer-Mode: Auto\r\n"))
    assert firsts(told) == ["100", "180"]


def test_never_rings_for_ever() -> None:
    """Only the caller ends it."""
    bench = Bench("never")
    bench.put(request("INVITE", body=SDP))
    assert bench.pass_time(600) == []
    assert bench.phone.current().state is PhoneCallState.RINGING


def test_silent_reads_but_never_answers() -> None:
    """No response of any kind; back in another mode the repeated INVITE is a call."""
    bench = Bench("silent")
    assert bench.put(request("INVITE", body=SDP)) == []
    assert bench.put(request("OPTIONS", branch="z9hG4bK-o")) == []
    assert bench.kinds() == ["on"]
    bench.phone.answer_mode("manual", 0, bench.now)
    assert firsts(bench.put(request("INVITE", body=SDP))) == ["100", "180"]


def test_off_forgets_the_call_without_a_word_and_on_begins_afresh() -> None:
    """As when the plug is pulled: no BYE, and later nobody knows that dialog."""
    bench = Bench()
    tag = bench.answered()
    assert bench.do("answer_mode", "off", 0) == []
    assert bench.last("ended")["cause"] == "off"
    assert bench.pass_time(100) == []
    bench.do("answer_mode", "manual", 0)
    assert firsts(bench.put(request("BYE", to_tag=tag, cseq=2, branch="z9hG4bK-b"))) == ["481"]


def test_hanging_up_while_it_rings_declines() -> None:
    """603."""
    bench = Bench()
    bench.put(request("INVITE", body=SDP))
    assert firsts(bench.do("hang_up")) == ["603"]


def test_a_second_call_is_told_busy() -> None:
    """One call at a time; the first one is not touched."""
    bench = Bench()
    bench.answered()
    second = request("INVITE", body=SDP, call_id="call-2", branch="z9hG4bK-two")
    assert firsts(bench.put(second)) == ["486"]
    assert bench.phone.current().state is PhoneCallState.TALKING


def test_no_common_codec_is_refused_at_once() -> None:
    """488; a description without audio likewise."""
    for body in (SDP.replace("8 0 96", "18"), "v=0\r\n"):
        bench = Bench()
        assert firsts(bench.put(request("INVITE", body=body))) == ["100", "488"]
        with pytest.raises(OfficeError):
            bench.phone.answer(bench.now)


def test_an_invite_without_offer_gets_ours_and_the_ack_answers() -> None:
    """RFC 3261 13.2.1: the offer is in the 200, its answer in the ACK."""
    bench = Bench("auto")
    ok = bench.put(request("INVITE"))[-1]
    assert b"RTP/AVP 0 8 101" in ok.body
    tag = sip.parameters(ok.get("to"))["tag"]
    bench.put(request("ACK", to_tag=tag, branch="z9hG4bK-ack", body=SDP))
    stream = bench.phone.current().stream
    assert stream is not None
    assert stream.agreed.remote == ("127.0.0.9", 4000)


def test_an_ack_with_an_unusable_answer_ends_the_call() -> None:
    """There is nothing to talk in."""
    bench = Bench("auto")
    tag = sip.parameters(bench.put(request("INVITE"))[-1].get("to"))["tag"]
    bad = SDP.replace("8 0 96", "18")
    sent = bench.put(request("ACK", to_tag=tag, branch="z9hG4bK-ack", body=bad))
    assert firsts(sent) == ["BYE"]
    assert "bad_answer" in bench.kinds()


def test_options_is_answered_and_the_unknown_is_not_implemented() -> None:
    """200 and 501."""
    bench = Bench()
    assert firsts(bench.put(request("OPTIONS", branch="z9hG4bK-o"))) == ["200"]
    assert firsts(bench.put(request("PUBLISH", branch="z9hG4bK-p"))) == ["501"]


def test_answers_go_where_the_via_says() -> None:
    """RFC 3581 with rport: the source; without it: the port of the Via."""
    bench = Bench()
    odd = ("127.0.0.9", 9999)
    bench.put(request("OPTIONS", branch="z9hG4bK-o"), odd)
    assert bench.log[-1][2] == odd
    plain = request("OPTIONS", branch="z9hG4bK-q").replace(b";rport", b"")
    bench.put(plain, odd)
    assert bench.log[-1][2] == FAR


@pytest.mark.parametrize(("old", "status"), [("Contact: <sip:box@127.0.0.9:5070>", ["400"])])
def test_a_caller_that_cannot_be_reached_is_refused(old: str, status: list[str]) -> None:
    """A Contact with a port that is none: 400, and the phone is free."""
    bench = Bench("auto")
    bad = request("INVITE", body=SDP).replace(old.encode(), b"Contact: <sip:box@127.0.0.9:99999>")
    assert firsts(bench.put(bad)) == status
    assert bench.phone.call is None
    via = request("INVITE", body=SDP, branch="z9hG4bK-v").replace(b"9:5070;", b"9:99999;")
    assert bench.put(via.replace(b";rport", b"")) == []
    assert bench.phone.wire.nonsense == 1


CONTACT = "Contact: <sip:line1@127.0.0.1:5099>\r\n"


def dialled(called: str = "*811") -> tuple[Bench, SipMessage]:
    """Return a bench whose phone has sent an INVITE."""
    bench = Bench()
    return bench, bench.do("dial", called)[0]


def test_a_call_is_made_and_ended() -> None:
    """INVITE to the server, ACK to the Contact with the To-tag and a new branch, BYE likewise."""
    bench, invite = dialled("*811#")
    assert invite.uri == "sip:*811%23@127.0.0.1:5060"
    assert bench.log[-1][2] == SERVER
    bench.reply(invite, "100 Trying", tag="")
    bench.reply(invite, "180 Ringing")
    assert bench.last("progress")["status"] == 180
    ack = bench.reply(invite, "200 OK", more=CONTACT, body=SDP)[0]
    assert (ack.method, ack.uri, ack.cseq) == ("ACK", "sip:line1@127.0.0.1:5099", invite.cseq)
    assert sip.parameters(ack.get("to"))["tag"] == "far"
    assert ack.branch != invite.branch
    assert bench.last("answered")["codec"] == "PCMA"
    assert firsts(bench.reply(invite, "200 OK", more=CONTACT, body=SDP)) == ["ACK"]
    assert bench.kinds().count("answered") == 1
    bye = bench.do("hang_up")[0]
    assert (bye.uri, bye.cseq) == (ack.uri, invite.cseq + 1)


def test_a_whole_uri_is_called_directly() -> None:
    """sip:op2@host:port needs no server."""
    bench, invite = dialled("sip:op2@127.0.0.12:5072")
    assert invite.uri == "sip:op2@127.0.0.12:5072"
    assert bench.log[-1][2] == ("127.0.0.12", 5072)
    with pytest.raises(OfficeError, match="in a call already"):
        bench.phone.dial("2", bench.now)
    with pytest.raises(OfficeError, match="cannot dial"):
        Bench().phone.dial("sip:op2@host:port", 0.0)
    with pytest.raises(OfficeError, match="off"):
        Bench("off").phone.dial("2", 0.0)


def test_an_invite_is_repeated_and_given_up_after_32_seconds() -> None:
    """Timer A doubles, timer B ends (RFC 3261 17.1.1.2)."""
    bench, _ = dialled()
    start = bench.now
    bench.pass_time(40)
    assert [at - start for at, _, _ in bench.log] == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bench.last("ended")["cause"] == "unreachable"


def test_a_provisional_answer_stops_the_repetition_for_ever() -> None:
    """A phone may ring as long as it likes."""
    bench, invite = dialled()
    bench.reply(invite, "180 Ringing")
    assert bench.pass_time(600) == []
    assert bench.phone.current().state is PhoneCallState.PROCEEDING


@pytest.mark.parametrize("status", ["302 Moved", "404 Not Found", "486 Busy", "503 Full", "603 No"])
def test_every_refusal_is_acknowledged_and_told(status: str) -> None:
    """The ACK bears the INVITE's own branch; a repeated refusal gets it again."""
    bench, invite = dialled()
    ack = bench.reply(invite, status)[0]
    assert (ack.method, ack.branch, ack.uri) == ("ACK", invite.branch, invite.uri)
    assert firsts(bench.reply(invite, status)) == ["ACK"]
    assert bench.last("ended")["status"] == status
    assert bench.pass_time(60) == []


@pytest.mark.parametrize(
    ("status", "name", "header"),
    [
        ("401 Who", "WWW-Authenticate", "authorization"),
        ("407 Who", "Proxy-Authenticate", "proxy-authorization"),
    ],
)
def test_a_challenge_is_answered_once(status: str, name: str, header: str) -> None:
    """With digest, a new branch and the next CSeq; challenged again the call is refused."""
    bench, invite = dialled()
    ack, second = bench.reply(invite, status, more=f"{name}: {CHALLENGE}\r\n")
    assert ack.branch == invite.branch
    assert proves(second.get(header), "INVITE")
    assert second.cseq == invite.cseq + 1
    assert second.branch != invite.branch
    assert second.get("call-id") == invite.get("call-id")
    bench.reply(second, status, more=f"{name}: {CHALLENGE}\r\n")
    assert bench.last("ended")["status"] == status


def test_a_challenge_that_cannot_be_answered_refuses_the_call() -> None:
    """Another algorithm is not guessed at."""
    bench, invite = dialled()
    bench.reply(
        invite, "401 Who", more='WWW-Authenticate: Digest realm="b", nonce="n", algorithm=X\r\n'
    )
    assert bench.last("ended")["cause"] == "refused"


def test_giving_up_cancels_with_the_invites_own_branch() -> None:
    """CANCEL, 200, 487, ACK (RFC 3261 9.1)."""
    bench, invite = dialled()
    bench.reply(invite, "180 Ringing")
    cancel = bench.do("hang_up")[0]
    assert (cancel.method, cancel.branch, cancel.cseq) == ("CANCEL", invite.branch, invite.cseq)
    bench.reply(cancel, "200 OK")
    assert firsts(bench.reply(invite, "487 Terminated")) == ["ACK"]
    assert bench.phone.call is not None
    assert bench.phone.call.is_over
    assert bench.pass_time(60) == []


def test_a_cancel_waits_for_the_first_provisional() -> None:
    """Nothing may be cancelled that nobody has heard of (9.1)."""
    bench, invite = dialled()
    assert bench.do("hang_up") == []
    assert firsts(bench.reply(invite, "180 Ringing")) == ["CANCEL"]
    bench.pass_time(33)
    assert bench.last("ended")["cause"] == "us"


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    """ACK, then BYE; the call never counts as answered."""
    bench, invite = dialled()
    bench.reply(invite, "180 Ringing")
    bench.do("hang_up")
    assert firsts(bench.reply(invite, "200 OK", more=CONTACT, body=SDP)) == ["ACK", "BYE"]
    assert "answered" not in bench.kinds()
    assert bench.last("ended")["cause"] == "us"


def test_an_answer_without_a_usable_codec_is_ended() -> None:
    """ACK, then BYE."""
    bench, invite = dialled()
    bad = SDP.replace("8 0 96", "18")
    assert firsts(bench.reply(invite, "200 OK", more=CONTACT, body=bad)) == ["ACK", "BYE"]
    assert "bad_answer" in bench.kinds()


def test_record_route_is_followed_in_reverse() -> None:
    """The caller's route set is the reversed Record-Route (12.1.2)."""
    bench, invite = dialled()
    more = CONTACT + "Record-Route: <sip:127.0.0.6;lr>, <sip:127.0.0.5:5080;lr>\r\n"
    ack = bench.reply(invite, "200 OK", more=more, body=SDP)[0]
    assert ack.all("route") == ["<sip:127.0.0.5:5080;lr>", "<sip:127.0.0.6;lr>"]
    assert bench.log[-1][2] == ("127.0.0.5", 5080)


def test_the_far_end_hangs_up() -> None:
    """Its From is our To."""
    bench, invite = dialled()
    bench.reply(invite, "200 OK", more=CONTACT, body=SDP)
    ours = sip.parameters(invite.get("from"))["tag"]
    bye = request("BYE", to_tag=ours, call_id=invite.get("call-id"), branch="z9hG4bK-b")
    assert firsts(bench.put(bye)) == ["200"]
    assert bench.last("ended")["cause"] == "far_end"


def test_sound_that_overtakes_the_answer_is_heard() -> None:
    """The last 100 ms before the 200 count; a ring-back announced by a 183 does not."""
    for early, heard in (("", 5), (SDP, 0)):
        bench, invite = dialled()
        call = bench.phone.current()
        bench.reply(invite, "183 Progress", body=early)
        for n in range(7):
            call.sound.hear(
                sound.SoundPacket(8, n, 160 * n, 1, b"x" * 160).encode(), FAR, bench.now
            )
        bench.reply(invite, "200 OK", more=CONTACT, body=SDP)
        assert call.stream is not None
        assert call.stream.figures.received == heard
