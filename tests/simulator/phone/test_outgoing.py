"""Calls that the phone makes, against a far end written out by hand."""

from __future__ import annotations

import pytest

from appliance.errors import OfficeError
from appliance.simulator.phone import sip, sound
from appliance.simulator.phone.call import PhoneCallState
from appliance.simulator.phone.sip import SipMessage
from tests.simulator.phone.challenge import CHALLENGE, proves
from tests.simulator.phone.harness import FAR, SDP, SERVER, Bench, firsts, request

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
            call.sound.hear(sound.RtpPacket(8, n, 160 * n, 1, b"x" * 160).encode(), FAR, bench.now)
        bench.reply(invite, "200 OK", more=CONTACT, body=SDP)
        assert call.stream is not None
        assert call.stream.figures.received == heard
