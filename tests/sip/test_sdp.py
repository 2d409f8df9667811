"""Offers and answers of sound (RFC 8866, RFC 3264)."""

from __future__ import annotations

import pytest

from appliance.dsp.wav import Law
from appliance.sip import sdp

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n"
AUDIO = "m=audio 7000 RTP/AVP 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\n"
VIDEO = "m=video 7002 RTP/AVP 31\r\n"
BOTH = (Law.ALAW, Law.ULAW)


def test_our_own_offer_reads_back() -> None:
    """What we write we read: address, both laws in order, keys, direction."""
    offer = sdp.SdpSession(("192.0.2.1", 16000), BOTH, 5).offer()
    assert sdp.read(offer) == sdp.SdpAudio(("192.0.2.1", 16000), BOTH, 101)


@pytest.mark.parametrize("laws", [(Law.ALAW, Law.ULAW), (Law.ULAW, Law.ALAW), (Law.ULAW,)])
def test_the_preferred_law_comes_first(laws: tuple[Law, ...]) -> None:
    """The order of the offer is the order of our wish."""
    assert sdp.read(sdp.SdpSession(("192.0.2.1", 1), laws, 5).offer()).laws == laws


def test_where_the_address_stands() -> None:
    """The stream's own c= counts before the session's (stock dies of two)."""
    assert sdp.read(HEAD + AUDIO).remote == ("192.0.2.5", 7000)
    assert sdp.read(HEAD + AUDIO + "c=IN IP4 192.0.2.6/127\r\n").remote == ("192.0.2.6", 7000)
    without = HEAD.replace("c=IN IP4 192.0.2.5\r\n", "")
    assert sdp.read(without + AUDIO + "c=IN IP4 192.0.2.6\r\n").remote == ("192.0.2.6", 7000)
    with pytest.raises(sdp.NoCommonSound, match="IPv4"):
        sdp.read(without + AUDIO)


def test_keys() -> None:
    """The payload type of keys is the phone's; without an rtpmap there are none."""
    assert sdp.read(HEAD + AUDIO).events_payload == 97
    assert sdp.read(HEAD + "m=audio 7000 RTP/AVP 0 101\r\n").events_payload == sdp.NO_EVENTS
    other = "m=audio 7000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/16000\r\n"
    assert sdp.read(HEAD + other).events_payload == sdp.NO_EVENTS


@pytest.mark.parametrize(
    ("line", "direction"),
    [
        ("", "sendrecv"),
        ("a=sendonly\r\n", "sendonly"),
        ("a=recvonly\r\n", "recvonly"),
        ("a=inactive\r\n", "inactive"),
    ],
)
@pytest.mark.parametrize("level", ["session", "stream"])
def test_directions(level: str, line: str, direction: str) -> None:
    """At session or stream level; sendrecv when nothing is said."""
    text = HEAD + line + AUDIO if level == "session" else HEAD + AUDIO + line
    assert sdp.read(text).direction == direction


def test_the_streams_direction_counts_before_the_sessions() -> None:
    """The nearer line wins."""
    assert sdp.read(HEAD + "a=inactive\r\n" + AUDIO + "a=sendrecv\r\n").direction == "sendrecv"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no description"),
        (HEAD, "no description"),
        (HEAD + VIDEO, "video"),
        (HEAD + "m=audio 0 RTP/AVP 0\r\n", "port 0"),
        (HEAD + "m=audio 99999 RTP/AVP 0\r\n", "port 0"),
        (HEAD + "m=audio x RTP/AVP 0\r\n", "port 0"),
        (HEAD + "m=audio 7000 RTP/SAVP 0\r\n", "RTP/SAVP"),
        (HEAD + "m=audio 7000 RTP/AVP 9 101\r\n", "neither"),
        (HEAD + "m=audio 7000 RTP/AVP\r\n", "neither"),
        (HEAD + "m=audio 7000 RTP/AVP 0\r\na=rtpmap:0 G729/8000\r\n", "neither"),
        (HEAD + "m=\r\n", "nameless"),
        (HEAD.replace("IP4 192.0.2.5\r\nt", "IP6 ::1\r\nt") + AUDIO, "IPv4"),
    ],
)
def test_sound_that_cannot_be(text: str, reason: str) -> None:
    """Each is refused with its reason."""
    with pytest.raises(sdp.NoCommonSound, match=reason):
        sdp.read(text)


def test_an_rtpmap_with_channels() -> None:
    """PCMA/8000/1 is PCMA."""
    assert sdp.read(HEAD + "m=audio 7 RTP/AVP 8\r\na=rtpmap:8 pcma/8000/1\r\n").laws == (Law.ALAW,)


def test_the_first_usable_stream_is_taken() -> None:
    """A refused or foreign stream before it does not matter."""
    text = HEAD + VIDEO + "m=audio 0 RTP/AVP 0\r\n" + AUDIO
    assert sdp.read(text).remote == ("192.0.2.5", 7000)


def test_the_answer_names_every_stream() -> None:
    """RFC 3264 6: as many streams as offered, in order; all but the sound with port 0."""
    offer = HEAD + VIDEO + AUDIO + "m=audio 7004 RTP/SAVP 0\r\nm=text 9 X\r\n"
    sound = sdp.read(offer)
    answer = sdp.SdpSession(("192.0.2.1", 16000), BOTH, 5).answer(offer, sound, Law.ULAW)
    streams = [line for line in answer.splitlines() if line.startswith("m=")]
    assert streams == [
        "m=video 0 RTP/AVP 31",
        "m=audio 16000 RTP/AVP 0 97",
        "m=audio 0 RTP/SAVP 0",
        "m=text 0 X 0",
    ]
    assert "a=rtpmap:97 telephone-event/8000" in answer


def test_the_answer_mirrors_the_direction() -> None:
    """sendonly is answered recvonly, and so on."""
    for offered, answered in {
        "sendonly": "recvonly",
        "recvonly": "sendonly",
        "inactive": "inactive",
        "sendrecv": "sendrecv",
    }.items():
        offer = HEAD + "m=audio 7000 RTP/AVP 0\r\n" + f"a={offered}\r\n"
        answer = sdp.SdpSession(("192.0.2.1", 1), BOTH, 5).answer(offer, sdp.read(offer), Law.ULAW)
        assert f"a={answered}\r\n" in answer
        assert "telephone-event" not in answer


def test_versions_count_up() -> None:
    """Every description of a session has a higher version than the last (RFC 3264 8)."""
    session = sdp.SdpSession(("192.0.2.1", 1), BOTH, 5)
    assert "o=centralino 5 0 IN" in session.offer()
    assert "o=centralino 5 1 IN" in session.next_version().offer()


def test_the_common_law() -> None:
    """The phone's first law that we asked for; none is a refusal."""
    sound = sdp.read(HEAD + AUDIO)
    assert sdp.common_law(sound, BOTH) is Law.ULAW
    assert sdp.common_law(sound, (Law.ALAW,)) is Law.ALAW
    with pytest.raises(sdp.NoCommonSound):
        sdp.common_law(sound, (Law.LINEAR16,))


def test_a_description_without_end() -> None:
    """Of an endless description only the beginning is read."""
    assert len(sdp._split("m=audio 0 RTP/AVP 0\r\n" * 5000)[1]) == sdp.MAX_LINES


def test_feedback_is_agreed_to() -> None:
    """RFC 4585: a phone that offers RTP/AVPF is answered in kind; nothing of it is sent."""
    offer = HEAD + AUDIO.replace("RTP/AVP", "RTP/AVPF")
    answer = sdp.SdpSession(("192.0.2.1", 16000), BOTH, 5).answer(offer, sdp.read(offer), Law.ALAW)
    assert "m=audio 16000 RTP/AVPF 8 97\r\n" in answer
    secret = HEAD + AUDIO.replace("RTP/AVP", "RTP/SAVPF")
    with pytest.raises(sdp.NoCommonSound, match="SAVPF"):
        sdp.read(secret)


def test_sound_that_is_switched_off() -> None:
    """Port 0 of every audio stream: the old way to hold by some phones."""
    off = AUDIO.replace("7000", "0")
    assert sdp.is_off(HEAD + off)
    assert not sdp.is_off(HEAD + AUDIO + off)
    assert not sdp.is_off(HEAD + VIDEO)
