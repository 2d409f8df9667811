"""RTP packets and the keys in them (RFC 3550, RFC 4733; pyvoip.md 3)."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.sip.rtp import (
    EVENT_DIGITS,
    RtpPacket,
    RtpReceived,
    RtpReceiver,
    RtpSender,
    build,
    parse,
)

PEER = ("192.0.2.21", 7000)
SOUND = b"\xd5" * 160

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=400),
    marker=st.booleans(),
)


def event(
    number: int, timestamp: int, duration: int = 160, flags: int = 10, ssrc: int = 1
) -> bytes:
    """Write one packet of a key press."""
    payload = struct.pack("!BBH", number, flags, duration)
    return build(RtpPacket(101, timestamp & 0xFFFF, timestamp, ssrc, payload))


def digits(receiver: RtpReceiver, *data: bytes) -> str:
    """Return the keys heard in some packets."""
    heard = [receiver.receive(one, PEER) for one in data]
    return "".join(h.digit for h in heard if h)


@given(packets)
def test_what_is_built_is_parsed(packet: RtpPacket) -> None:
    """Every packet comes back as it was."""
    assert parse(build(packet)) == packet


@given(
    packets,
    st.lists(st.binary(min_size=4, max_size=4), max_size=15),
    st.none() | st.binary(max_size=64).map(lambda b: b[: len(b) // 4 * 4]),
    st.none() | st.integers(1, 40),
)
def test_csrcs_extension_and_padding_are_no_sound(
    packet: RtpPacket, csrcs: list[bytes], extension: bytes | None, padding: int | None
) -> None:
    """Whatever stands around it, the payload is the payload (stock plays the extension)."""
    plain = build(packet)
    first = 0x80 | len(csrcs)
    middle = b"".join(csrcs)
    tail = b""
    if extension is not None:
        first |= 0x10
        middle += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    if padding:
        first |= 0x20
        tail = bytes(padding - 1) + bytes([padding])
    assert parse(bytes([first]) + plain[1:12] + middle + packet.payload + tail) == packet


@given(st.binary(max_size=64))
def test_anything_may_arrive(data: bytes) -> None:
    """No datagram raises (stock's receiving thread dies of an empty one)."""
    receiver = RtpReceiver(PEER, (101,))
    receiver.receive(data, PEER)
    receiver.receive(b"\x80\x65" + data, PEER)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        bytes(12),  # version 0
        b"\x90" + bytes(11),  # an extension that is not there
        b"\x90" + bytes(13) + b"\xff\xff" + bytes(8),  # one longer than the packet
        b"\xa0" + bytes(12),  # padding of nothing
        b"\xa0" + bytes(11) + b"\xff",  # padding longer than the packet
        b"\x8f" + bytes(20),  # fifteen sources that are not there
    ],
)
def test_what_is_no_packet(data: bytes) -> None:
    """Appendix A.1 of RFC 3550: checked before it is believed."""
    assert parse(data) is None


# --- sending ------------------------------------------------------------------------------------


def test_packets_are_numbered() -> None:
    """Sequence by one, timestamp by samples, both round at their end; the marker as asked."""
    sender = RtpSender(7, 0xFFFF, 0xFFFFFFFF - 100)
    first, second = parse(sender.packet(8, SOUND, marker=True)), parse(sender.packet(8, SOUND))
    assert first == RtpPacket(8, 0xFFFF, 0xFFFFFFFF - 100, 7, SOUND, marker=True)
    assert second == RtpPacket(8, 0, 59, 7, SOUND)


def test_an_unsent_pause_is_in_the_timestamp() -> None:
    """After a silence the timestamp tells the true time (RFC 3551 4.1)."""
    sender = RtpSender(7, 0, 0)
    sender.packet(8, SOUND)
    sender.skip(1600)
    packet = parse(sender.packet(8, SOUND))
    assert packet
    assert (packet.sequence, packet.timestamp) == (1, 1760)


@pytest.mark.parametrize("digit", EVENT_DIGITS)
def test_a_key_that_is_sent_is_heard_once(digit: str) -> None:
    """Sender and receiver agree on every key; three end packets are one key."""
    sender = RtpSender(7, 0, 0)
    sent = sender.digit(101, digit, 100)
    assert digits(RtpReceiver(PEER, (101,)), *sent) == digit
    assert [parse(p).sequence for p in sent if parse(p)] == list(range(7))  # type: ignore[union-attr]  # just tested
    ends = [struct.unpack("!BBH", p[12:])[1:] for p in sent]
    assert ends == [
        (10, 160),
        (10, 320),
        (10, 480),
        (10, 640),
        (0x8A, 800),
        (0x8A, 800),
        (0x8A, 800),
    ]
    assert sender.timestamp == 800


def test_an_endless_key_is_cut() -> None:
    """The duration field ends at 65535 samples."""
    assert RtpSender(7, 0, 0).digit(101, "5", 60_000)[-1][14:] == b"\xff\xff"


def test_what_is_no_key_is_not_sent() -> None:
    """A mistake of ours is told."""
    with pytest.raises(ValueError, match="substring"):
        RtpSender(7, 0, 0).digit(101, "x")


# --- hearing ------------------------------------------------------------------------------------


def test_sound_is_heard() -> None:
    """Source, payload, type, number and time reach the jitter buffer's owner."""
    data = build(RtpPacket(8, 5, 800, 1, SOUND))
    assert RtpReceiver(PEER, (101,)).receive(data, PEER) == RtpReceived(8, 5, 800, SOUND, ssrc=1)


def test_an_empty_packet_is_nothing() -> None:
    """A packet without payload is neither sound nor key."""
    assert RtpReceiver(PEER, (101,)).receive(build(RtpPacket(8, 5, 800, 1, b"")), PEER) is None


def test_a_key_is_told_once_whatever_is_lost() -> None:
    """Without marker, without first packet, without end, doubled, out of order: one key."""
    whole = [event(5, 800, d) for d in (160, 320, 480)] + [event(5, 800, 480, 0x8A)] * 3
    for kept in (whole, whole[1:], whole[-1:], whole[:2], whole * 2, whole[::-1]):
        assert digits(RtpReceiver(PEER, (101,)), *kept) == "5"


def test_the_same_key_twice() -> None:
    """Two presses have two timestamps, also when the first never ended."""
    assert digits(RtpReceiver(PEER, (101,)), event(5, 800), event(5, 2400)) == "55"


def test_a_late_packet_of_an_earlier_key() -> None:
    """A packet overtaken by the next key is no third key."""
    packets = event(1, 800), event(2, 2400), event(1, 800, 320)
    assert digits(RtpReceiver(PEER, (101,)), *packets) == "12"


def test_a_key_held_for_longer_than_eight_seconds() -> None:
    """Segments of one press are one key (RFC 4733 2.5.1.3)."""
    long = [event(5, 800, 0xFFFF), event(5, 800 + 0xFFFF, 160), event(5, 800 + 0xFFFF, 320)]
    assert digits(RtpReceiver(PEER, (101,)), *long) == "5"


def test_hook_flash_is_the_r_key() -> None:
    """Event 16 is R; stock's receiving thread dies of it (pyvoip.md 3)."""
    assert digits(RtpReceiver(PEER, (101,)), event(16, 800), event(3, 1600)) == "R3"


@pytest.mark.parametrize("data", [event(17, 800), event(255, 800), event(5, 800)[:-1]])
def test_events_that_are_no_keys(data: bytes) -> None:
    """Other events, and cut ones, are a sign of life only."""
    heard = RtpReceiver(PEER, (101,)).receive(data, PEER)
    assert heard is not None
    assert (heard.digit, heard.payload) == ("", b"")


def test_keys_that_were_not_agreed() -> None:
    """Without an agreed payload type an event is just a foreign packet."""
    heard = RtpReceiver(PEER).receive(event(5, 800), PEER)
    assert heard is not None
    assert heard.digit == ""


# --- whom it believes ---------------------------------------------------------------------------


def listen(receiver: RtpReceiver, source: tuple[str, int]) -> bool:
    """Tell whether a packet from `source` is taken."""
    return receiver.receive(build(RtpPacket(8, 1, 1, 1, SOUND)), source) is not None


STRANGER = ("192.0.2.66", 7000)
OTHER = ("192.0.2.21", 9999)


def test_another_host_is_never_believed() -> None:
    """RTP only from the negotiated peer (reliability.md 3), before its first packet and after."""
    receiver = RtpReceiver(PEER)
    assert not listen(receiver, STRANGER)
    assert listen(receiver, PEER)
    assert not listen(receiver, STRANGER)


def test_the_first_packet_of_the_peer_moves_the_port() -> None:
    """The phone may send from elsewhere than it says; whoever comes later is a stranger."""
    receiver = RtpReceiver(PEER)
    assert not listen(receiver, STRANGER)
    assert listen(receiver, OTHER)
    assert not listen(receiver, ("192.0.2.21", 9998))
    assert listen(receiver, PEER), "the agreed port always is"
    assert listen(receiver, OTHER)


def test_once_the_agreed_port_was_heard_no_other_is() -> None:
    """The latch closes at the first packet, whichever port it came from."""
    receiver = RtpReceiver(PEER)
    assert listen(receiver, PEER)
    assert not listen(receiver, OTHER)


def test_a_new_agreement_opens_the_latch() -> None:
    """After a re-INVITE the phone may send from a new port; keys told stay told."""
    receiver = RtpReceiver(PEER, (101,))
    assert receiver.receive(event(5, 800), OTHER)
    receiver.expect(101)
    assert listen(receiver, ("192.0.2.21", 9998))
    assert not listen(receiver, OTHER)
    assert digits(receiver, event(5, 800, 320)) == ""


def sound(sequence: int, ssrc: int = 1) -> bytes:
    """Return a packet of sound of a stream."""
    return build(RtpPacket(8, sequence, sequence * 160, ssrc, SOUND))


def key(sequence: int, ssrc: int = 1, number: int = 5) -> bytes:
    """Return a packet of a key within a stream."""
    return build(RtpPacket(101, sequence, sequence * 160, ssrc, bytes((number, 10, 0, 160))))


def hearing(receiver: RtpReceiver, *packets: tuple[float, bytes]) -> str:
    """Let packets come at their times; returns the keys that were told."""
    heard = [receiver.receive(data, PEER, at) for at, data in packets]
    return "".join(one.digit for one in heard if one)


TALKING = tuple((n / 50, sound(100 + n)) for n in range(50))


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (key(150, ssrc=9), "another stream"),
        (key(150 + 40_000), "far ahead"),
        (key((150 - 500) & 0xFFFF), "long past"),
    ],
)
def test_a_key_that_does_not_stand_in_the_phones_stream_is_none(forged: bytes, why: str) -> None:
    """Whoever forges address and port of a phone presses no key of it (RFC 3550 A.1)."""
    receiver = RtpReceiver(PEER, (101,))
    assert hearing(receiver, *TALKING, (1.0, forged)) == "", why
    assert hearing(receiver, (1.02, key(151))) == "5", "its own keys are heard all the same"


def test_a_forgers_sound_does_not_take_the_stream_over() -> None:
    """Sound of another source beside the phone's, however much of it: keys follow the phone's."""
    receiver = RtpReceiver(PEER, (101,))
    hearing(receiver, *TALKING)
    flood = [(1.0 + n / 1000, sound(n, ssrc=9)) for n in range(18)]
    assert hearing(receiver, *flood, (1.02, key(20, ssrc=9))) == ""
    assert hearing(receiver, (1.03, sound(151)), (1.05, key(152))) == "5"


def test_a_phone_that_begins_a_new_stream_is_followed() -> None:
    """After a hold, a restart or a transfer within the phone its keys count again soon."""
    receiver = RtpReceiver(PEER, (101,))
    hearing(receiver, *TALKING)
    later = [(2.0, sound(7, ssrc=9)), (2.02, key(8, ssrc=9))]
    assert hearing(receiver, *later) == "5"


def test_a_phone_that_was_out_of_reach_for_long_is_followed() -> None:
    """The same source, its numbers far ahead after a minute of lost packets."""
    receiver = RtpReceiver(PEER, (101,))
    hearing(receiver, *TALKING)
    assert hearing(receiver, (90.0, sound(5000)), (90.02, key(5001))) == "5"


def test_a_silent_phones_first_key_counts() -> None:
    """Some send nothing while nobody speaks: the key begins the stream."""
    receiver = RtpReceiver(PEER, (101,))
    assert hearing(receiver, (0.0, key(1)), (0.5, key(2, ssrc=9)), (1.0, key(9, number=7))) == "57"


def test_numbers_wrap() -> None:
    """65535 is followed by 0."""
    receiver = RtpReceiver(PEER, (101,))
    assert hearing(receiver, (0.0, sound(0xFFFF)), (0.02, key(0))) == "5"


@pytest.mark.parametrize(
    ("now", "forged"), [(2000, 1000), (2, 0xFFFF - 1000), (2000, 6000), (0xFFFF, 4000), (2, 0x8000)]
)
def test_a_key_far_from_the_stream_is_nobodys(now: int, forged: int) -> None:
    """Far behind or far ahead, also over the wrap: who forges it has not guessed the window."""
    receiver = RtpReceiver(PEER, (101,))
    assert hearing(receiver, (0.0, sound(now)), (0.02, key(forged))) == ""


@pytest.mark.parametrize("begins", [1000, 0xFFFFFFFF - 1000])
def test_a_key_held_for_long_is_one_key_also_over_the_wrap(begins: int) -> None:
    """After 8 s its next segment follows, by its time (RFC 4733 2.5.1.3), which may begin anew."""
    receiver = RtpReceiver(PEER, (101,))
    first = build(RtpPacket(101, 1, begins, 1, struct.pack("!BBH", 5, 10, 0xFFFF)))
    follows = (begins + 0xFFFF) & 0xFFFFFFFF
    second = build(RtpPacket(101, 2, follows, 1, struct.pack("!BBH", 5, 10, 160)))
    assert digits(receiver, first, second) == "5"


def test_keys_may_come_by_either_number() -> None:
    """The one that we offered, as RFC 3264 6.1 has it, or the phone's own."""
    receiver = RtpReceiver(PEER)
    receiver.expect(96, 101)
    other = build(RtpPacket(96, 3, 4800, 1, bytes((7, 10, 0, 160))))
    assert hearing(receiver, (0.0, sound(1)), (0.02, key(2)), (0.04, other)) == "57"


def test_the_media_gateway_knows_no_pyvoip() -> None:
    """The media gateway imports this module and must not get pyVoIP with it."""
    code = "import sys, appliance.sip.rtp; sys.exit('pyVoIP' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
