"""SIP of the test phone: messages, dialogs, registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import OfficeError, PeerError
from appliance.simulator.phone import sip, sound
from appliance.simulator.phone.call import STATE_TABLE, CallStep, PhoneCallState, state_after
from appliance.simulator.phone.sip import PCMA, PCMU, PREFERENCES
from tests.simulator.phone.challenge import CHALLENGE, proves
from tests.simulator.phone.harness import FAR, SDP, Bench, firsts, request

if TYPE_CHECKING:
    from appliance.simulator.phone.sip import SipMessage


def test_short_names_folds_and_lists_are_understood() -> None:
    """What pyVoIP loses (pyvoip.md 4, defect 17) is an ordinary message."""
    message = sip.parse_message(
        b"INVITE sip:a@b SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK1,\r\n"
        b" SIP/2.0/UDP g;branch=z2\r\n"
        b'f: "Rossi: ""<odd>" <sip:c@d;x=1>;tag=T\r\nTO: sip:a@b;tag=9\r\n'
        b"i: 1\r\nCSEQ: 7 INVITE\r\nl: 2\r\n\r\nhithere"
    )
    assert message.all("via") == ["SIP/2.0/UDP h;branch=z9hG4bK1", "SIP/2.0/UDP g;branch=z2"]
    assert message.body == b"hi"
    assert sip.uri_in(message.get("from")) == "sip:c@d;x=1"
    assert sip.parameters(message.get("from")) == {"tag": "T"}
    assert sip.parameters(message.get("to")) == {"tag": "9"}
    assert (message.branch, message.cseq, message.method) == ("z9hG4bK1", 7, "INVITE")


def test_names_and_addresses() -> None:
    """Display name, user and host are taken apart."""
    assert sip.name_in(r'"A \"B\"" <sip:x@y>') == 'A "B"'
    assert sip.name_in("Anna <sip:x@y>") == "Anna"
    assert sip.name_in("sip:x@y") == ""
    assert sip.user_in("sip:051:pw@10.0.0.1;x=1") == "051"
    assert sip.user_in("sip:10.0.0.1") == ""
    assert sip.host_in("sip:051@10.0.0.1:5070;transport=udp") == ("10.0.0.1", 5070)
    assert sip.host_in("10.0.0.1") == ("10.0.0.1", 5060)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SIP/2.0\r\n", b"HTTP/1.1\r\n"),
        (b"CSeq: 1 INVITE", b"CSeq: one"),
        (b"Call-ID: call-1\r\n", b""),
        (b"Contact:", b"Contact"),
        (b"Content-Length: 0", b"Content-Length: 5"),
        (b"Content-Length: 0", b"Content-Length: x"),
    ],
)
def test_what_is_not_sip_is_refused_and_counted(old: bytes, new: bytes) -> None:
    """A PeerError for the parser, one more `nonsense` for the phone, no answer."""
    bad = request("INVITE").replace(old, new, 1)
    bad = bad.replace(b"sip:box@127.0.0.9:5070", b"x") if b"Contact <" in bad else bad
    with pytest.raises(PeerError):
        sip.parse_message(bad)
    bench = Bench()
    assert bench.put(bad) == []
    assert bench.put(b"\r\n\r\n") == []
    assert bench.phone.wire.nonsense == 1


@given(st.integers(0, 600), st.binary(min_size=1, max_size=8), st.integers(0, 12))
def test_a_mutilated_invite_never_stops_the_phone(at: int, splinter: bytes, cut: int) -> None:
    """Whatever comes, the next call is answered as ever."""
    whole = request("INVITE", body=SDP)
    bench = Bench("auto")
    bench.phone.receive(whole[:at] + splinter + whole[at + cut :], ("127.0.0.9", 5070), bench.now)
    bench.pass_time(40)
    bench.do("switch_off")
    bench.do("switch_on")
    assert [m.status for m in bench.put(whole)] == [100, 180, 200]


def test_a_message_is_written_as_it_was_read() -> None:
    """Reading what was written gives the same message, with the right length."""
    message = sip.parse_message(request("INVITE", body=SDP))
    assert sip.parse_message(message.encode()).body == SDP.encode()
    assert message.encode().count(b"Content-Length") == 1


def test_digest_is_that_of_the_standard() -> None:
    """The example of RFC 2617 section 3.5, and RFC 2069's form without qop."""
    challenge = sip.parse_challenge(
        401,
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    )
    name, value = sip.digest_answer(
        challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", 1, "0a4f113b"
    )
    assert name == "Authorization"
    assert 'response="6629fae49393a05397450978507c4ef1"' in value
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in value
    plain = sip.parse_challenge(
        407, 'Digest realm="testrealm@host.com", nonce="' + challenge.nonce + '"'
    )
    name, value = sip.digest_answer(plain, "Mufasa", "Circle Of Life", "GET", "/dir/index.html")
    assert name == "Proxy-Authorization"
    # MD5(MD5(A1):nonce:MD5(A2)), worked out with md5sum from the same example
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in value
    assert "cnonce" not in value


@pytest.mark.parametrize(
    "value", ["Basic x", 'Digest realm="r", nonce="n", qop="auth-int"', 'Digest realm="r"']
)
def test_a_challenge_of_another_kind_is_refused(value: str) -> None:
    """Basic, auth-int alone, and one without nonce."""
    with pytest.raises(PeerError):
        sip.parse_challenge(401, value)


def session(codec: str = "both") -> sip.SdpSession:
    """Return our side of a call's descriptions."""
    return sip.SdpSession(("127.0.0.11", 6000), PREFERENCES[codec], 42)


@pytest.mark.parametrize(("codec", "chosen"), [("both", PCMA), ("pcmu", PCMU), ("pcma", PCMA)])
def test_the_answer_takes_the_first_common_codec(codec: str, chosen: object) -> None:
    """One codec, their number for telephone-event, 20 ms."""
    answered = session(codec).answer(SDP.encode())
    assert answered is not None
    body, agreed = answered
    assert agreed.codec is chosen
    assert f"m=audio 6000 RTP/AVP {agreed.codec.payload} 96\r\n".encode() in body
    assert b"a=ptime:20\r\n" in body
    assert b"o=- 42 1 IN IP4 127.0.0.11\r\n" in body


def test_other_media_are_declined_in_their_places() -> None:
    """RFC 3264 section 6: as many m= lines, in the same order, port 0 for the unwanted."""
    offer = SDP.replace("m=audio", "m=video 5000 RTP/AVP 31 34\r\nm=audio").encode()
    answered = session().answer(offer)
    assert answered is not None
    lines = [line for line in answered[0].decode().split("\r\n") if line.startswith("m=")]
    assert lines == ["m=video 0 RTP/AVP 31 34", "m=audio 6000 RTP/AVP 8 96"]


def test_a_media_address_outranks_the_sessions() -> None:
    """RFC 4566 section 5.7; and without telephone-event there are no keys."""
    plain = SDP.split("a=rtpmap")[0] + "c=IN IP4 127.0.0.8\r\n"
    found = sip.parse_sdp(plain.encode())
    assert (found.address, found.events) == (("127.0.0.8", 4000), None)
    answered = session().answer(plain.encode())
    assert answered is not None
    assert b"telephone-event" not in answered[0]


@pytest.mark.parametrize(
    "body",
    ["v=0\r\n", SDP.replace("c=IN IP4 127.0.0.9\r\n", ""), SDP.replace("RTP/AVP", "RTP/SAVP"),
     SDP.replace("audio 4000", "audio 0"), "m=audio\r\n"],
)  # fmt: skip
def test_a_description_that_cannot_be_used_is_refused(body: str) -> None:
    """No audio, no address, encrypted only, port 0, a broken line."""
    with pytest.raises(PeerError):
        sip.parse_sdp(body.encode())


@pytest.mark.parametrize(
    ("offered", "answered", "ours"),
    [("sendrecv", "sendrecv", "sendrecv"), ("sendonly", "recvonly", "sendonly"),
     ("sendrecv", "sendonly", "recvonly"), ("sendonly", "inactive", "inactive")],
)  # fmt: skip
def test_a_direction_is_narrowed_by_its_answer(offered: str, answered: str, ours: str) -> None:
    """RFC 3264 section 6.1, seen from the offerer."""
    agreed = session().settle((SDP + f"a={answered}\r\n").encode(), offered)
    assert agreed is not None
    assert agreed.direction == ours


def test_rtp_with_extension_padding_and_sources() -> None:
    """Only the payload is sound (pyvoip.md 3: stock plays the header)."""
    packet = sound.SoundPacket(8, 65535, 2**32 - 1, 7, b"sound", marker=True)
    assert sound.parse_rtp(packet.encode()) == packet
    plain = packet.encode()
    head = bytes([0x80 | 0x20 | 0x10 | 0x01]) + plain[1:12] + b"CSRC" + b"\0\0\0\1EXTN"
    assert sound.parse_rtp(head + b"sound" + b"\0\0\3") == packet


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x00" * 12, b"\x90" + b"\0" * 11, b"\xa0" + b"\0" * 11 + b"\xff"]
)
def test_what_is_not_rtp_is_refused(data: bytes) -> None:
    """Empty, short, another version, cut in its extension, more padding than packet."""
    with pytest.raises(PeerError):
        sound.parse_rtp(data)


def test_telephone_events() -> None:
    """RFC 4733 2.3: event, end bit and volume, duration; a hook flash (16) is no key."""
    assert sound.rtp_event("#", 800, is_end=True) == bytes([11, 0x8A, 3, 0x20])
    assert sound.key_in(bytes([10, 10, 0, 160])) == "*"
    assert sound.key_in(bytes([16, 10, 0, 160])) is None
    assert sound.key_in(b"") is None


def test_every_state_can_be_left_and_an_ended_call_cannot() -> None:
    """The table has a way out of each state, and none out of the end."""
    assert {state for state, _ in STATE_TABLE} == set(PhoneCallState) - {PhoneCallState.ENDED}
    assert {step for _, step in STATE_TABLE} == set(CallStep)
    assert all(state_after(PhoneCallState.ENDED, step) is None for step in CallStep)


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


def registered() -> tuple[Bench, SipMessage]:
    """Return a bench whose phone is registered for 60 s, and its second REGISTER."""
    bench = Bench(registers=True)
    first = bench.log[-1][1]
    second = bench.reply(first, "401 Who", more=f"WWW-Authenticate: {CHALLENGE}\r\n")[0]
    bench.reply(second, "200 OK", more="Contact: <sip:op1@127.0.0.11:5062>;expires=60\r\n")
    return bench, second


def test_registers_with_digest_and_refreshes_at_half_time() -> None:
    """The nonce is used again with the next count; a stale one is replaced."""
    bench, second = registered()
    assert proves(second.get("authorization"), "REGISTER")
    assert bench.last("registered")["expires"] == 60
    assert bench.pass_time(29.9) == []
    third = bench.pass_time(0.2)[0]
    assert "nc=00000002" in third.get("authorization")
    stale = CHALLENGE.replace("n1", "n2") + ", stale=true"
    fourth = bench.reply(third, "401 Who", more=f"WWW-Authenticate: {stale}\r\n")[0]
    assert proves(fourth.get("authorization"), "REGISTER", "n2")
    bench.reply(fourth, "200 OK", more="Expires: 40\r\n")
    assert bench.kinds().count("registered") == 1


def test_a_wrong_secret_is_not_repeated_at_once() -> None:
    """Two REGISTERs, then a pause of 2 s: asking on would lock the account."""
    bench = Bench(registers=True)
    second = bench.reply(bench.log[-1][1], "401 Who", more=f"WWW-Authenticate: {CHALLENGE}\r\n")[0]
    assert bench.reply(second, "401 Who", more=f"WWW-Authenticate: {CHALLENGE}\r\n") == []
    assert bench.last("registration_failed")["status"] == "401 Who"
    assert bench.pass_time(1.9) == []
    assert firsts(bench.pass_time(0.2)) == ["REGISTER"]


def test_a_dead_registrar_is_tried_again_for_ever() -> None:
    """After 32 s the attempt has failed, 2 s later comes the next (pyvoip.md 2: stock gives up)."""
    bench = Bench(registers=True)
    bench.pass_time(140)
    assert bench.kinds().count("registration_failed") == 4
    bench.pass_time(1)
    bench.reply(bench.log[-1][1], "200 OK")
    assert bench.kinds()[-1] == "registered"


def test_a_shorter_time_is_lengthened_when_asked() -> None:
    """423 with Min-Expires (RFC 3261 10.2.8)."""
    bench = Bench(registers=True)
    again = bench.reply(bench.log[-1][1], "423 Brief", more="Min-Expires: 300\r\n")[0]
    assert again.get("expires") == "300"


def test_stopping_takes_the_registration_back() -> None:
    """Expires 0, and the phone is done when that is answered; a call is hung up first."""
    bench, _ = registered()
    bench.answered()
    bye, off = bench.do("stop")
    assert (bye.method, off.method, off.get("expires")) == ("BYE", "REGISTER", "0")
    assert not bench.phone.is_done(bench.now)
    bench.reply(bye, "200 OK")
    bench.reply(off, "200 OK")
    assert bench.phone.is_done(bench.now)
    assert bench.kinds()[-1] == "unregistered"


def test_stopping_does_not_wait_for_a_dead_server() -> None:
    """2 s at most."""
    bench, _ = registered()
    bench.do("stop")
    assert not bench.phone.is_done(bench.now + 1.9)
    assert bench.phone.is_done(bench.now + 2.0)
    second = request("INVITE", body=SDP, branch="z9hG4bK-late")
    assert firsts(bench.put(second, FAR)) == ["486"]
