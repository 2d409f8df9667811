"""SIP, SDP, digest and RTP as bytes: what is read, what is written, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import PeerError
from appliance.simulator.phone import sip, sound
from appliance.simulator.phone.call import STATE_TABLE, CallStep, PhoneCallState, state_after
from appliance.simulator.phone.sip import PCMA, PCMU, PREFERENCES
from tests.simulator.phone.harness import SDP, Bench, request


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
    packet = sound.RtpPacket(8, 65535, 2**32 - 1, 7, b"sound", marker=True)
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
