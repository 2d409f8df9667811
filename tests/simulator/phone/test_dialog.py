"""A standing call (BYE, hold, routes), against a far end written out by hand."""

from __future__ import annotations

import pytest

from appliance.errors import OfficeError
from appliance.simulator.phone.call import PhoneCallState
from tests.simulator.phone.harness import SDP, Bench, firsts, request


def test_hanging_up_sends_bye_until_it_is_answered() -> None:
    """A lost BYE is repeated (pyvoip.md 2: stock sends it once)."""
    bench = Bench()
    bench.answered()
    bye = bench.do("hang_up")[0]
    assert (bye.method, bye.uri) == ("BYE", "sip:box@127.0.0.9:5070")
    assert firsts(bench.pass_time(1.6)) == ["BYE", "BYE"]
    bench.reply(bye, "200 OK")
    assert bench.pass_time(60) == []
    assert bench.last("ended")["cause"] == "us"


def test_a_bye_that_nobody_answers_is_noted() -> None:
    """After 32 s."""
    bench = Bench()
    bench.answered()
    bench.do("hang_up")
    bench.pass_time(33)
    assert bench.kinds()[-1] == "bye_unanswered"


@pytest.mark.parametrize("wrong", [{"to_tag": "x"}, {"from_tag": "x"}, {"call_id": "x"}])
def test_a_bye_from_a_stranger_is_refused(wrong: dict[str, str]) -> None:
    """Call-ID alone does not make a dialog (pyvoip.md 4, defect 13)."""
    bench = Bench()
    tag = bench.answered()
    right = {"to_tag": tag, "branch": "z9hG4bK-b"}
    bye = request("BYE", cseq=2, **(right | wrong))
    assert firsts(bench.put(bye)) == ["481"]
    assert bench.phone.current().state is PhoneCallState.TALKING


def test_a_request_out_of_order_is_refused() -> None:
    """RFC 3261 12.2.2: a lower CSeq gets 500."""
    bench = Bench()
    tag = bench.answered()
    assert firsts(bench.put(request("INFO", to_tag=tag, cseq=1, branch="z9hG4bK-i"))) == ["500"]
    assert firsts(bench.put(request("INFO", to_tag=tag, cseq=2, branch="z9hG4bK-j"))) == ["200"]


def test_record_route_is_followed_back() -> None:
    """The route set of the callee is the Record-Route in order; the BYE goes to its first hop."""
    bench = Bench()
    route = "Record-Route: <sip:127.0.0.5:5080;lr>, <sip:127.0.0.6;lr>\r\n"
    ringing = bench.put(request("INVITE", body=SDP, more=route))[1]
    assert ringing.all("record-route") == ["<sip:127.0.0.5:5080;lr>", "<sip:127.0.0.6;lr>"]
    bench.do("answer")
    bench.do("hang_up")
    _, bye, to = bench.log[-1]
    assert to == ("127.0.0.5", 5080)
    assert bye.all("route") == ["<sip:127.0.0.5:5080;lr>", "<sip:127.0.0.6;lr>"]
    assert bye.uri == "sip:box@127.0.0.9:5070"


def test_hold_by_the_far_end_is_answered_and_noted() -> None:
    """sendonly gets recvonly and we fall silent; sendrecv brings the sound back."""
    bench = Bench()
    tag = bench.answered()
    held = request("INVITE", to_tag=tag, cseq=2, branch="z9hG4bK-h", body=SDP + "a=sendonly\r\n")
    ok = bench.put(held)[-1]
    assert b"a=recvonly" in ok.body
    bench.put(request("ACK", to_tag=tag, cseq=2, branch="z9hG4bK-ha"))
    stream = bench.phone.current().stream
    assert stream is not None
    assert stream.agreed.direction == "recvonly"
    back = request("UPDATE", to_tag=tag, cseq=3, branch="z9hG4bK-u", body=SDP)
    assert b"a=sendrecv" in bench.put(back)[-1].body
    assert stream.agreed.direction == "sendrecv"
    assert bench.kinds()[-3:] == ["held", "ack", "released"]


def test_a_reinvite_without_ack_ends_the_call_too() -> None:
    """The session falls with its 2xx (RFC 3261 14.2)."""
    bench = Bench()
    tag = bench.answered()
    bench.put(request("INVITE", to_tag=tag, cseq=2, branch="z9hG4bK-h", body=SDP))
    busy = request("INVITE", to_tag=tag, cseq=3, branch="z9hG4bK-i", body=SDP)
    assert firsts(bench.put(busy)) == ["491"]
    bench.put(request("ACK", to_tag=tag, cseq=3, branch="z9hG4bK-i"))
    bench.pass_time(33)
    assert bench.last("no_ack")["cseq"] == 2


def test_our_hold_is_a_reinvite_and_stands_when_accepted() -> None:
    """sendonly goes out; the 200 is acknowledged each time it comes."""
    bench = Bench()
    bench.answered()
    ask = bench.do("hold")[0]
    assert b"a=sendonly" in ask.body
    with pytest.raises(OfficeError, match="under way"):
        bench.phone.current().resume(bench.now)
    bench.reply(ask, "100 Trying")
    answer = SDP + "a=recvonly\r\n"
    assert firsts(bench.reply(ask, "200 OK", body=answer)) == ["ACK"]
    ack = bench.log[-1][1]
    assert ack.cseq == ask.cseq
    assert ack.branch != ask.branch
    assert firsts(bench.reply(ask, "200 OK", body=answer)) == ["ACK"]
    assert bench.kinds().count("hold") == 1
    bench.reply(bench.do("resume")[0], "488 No")
    assert bench.last("hold_refused")["status"] == "488 No"
    bench.reply(bench.do("resume")[0], "200 OK", body=SDP)
    assert bench.kinds()[-1] == "resume"


def test_hold_needs_a_conversation() -> None:
    """A ringing call cannot be held."""
    bench = Bench()
    bench.put(request("INVITE", body=SDP))
    with pytest.raises(OfficeError, match="no conversation"):
        bench.phone.current().hold(bench.now)
    with pytest.raises(OfficeError, match="no answer mode"):
        bench.phone.answer_mode("sometimes", 0, bench.now)
