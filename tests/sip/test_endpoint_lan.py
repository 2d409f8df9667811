"""Two endpoints on a LAN that loses, doubles, delays and reorders: every call comes to its end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls import events
from appliance.sip.phones import RingRequest
from appliance.sip.registrar import PhoneAccount
from appliance.sip.rtp import Address
from tests.helpers.examples import examples
from tests.sip.world import BOX, PHONE, Bench, Lan, box_endpoint, endpoint, request, ring, within

CALLER = "3331234567"
"""The far end takes the box for a phone of this name, so that both ends are endpoints."""


def seeds(quick: int, full: int) -> pytest.MarkDecorator:
    """Run a test over `full` networks, of which all but `quick` in `make long` only."""
    more = (pytest.param(seed, marks=pytest.mark.long) for seed in range(quick, full))
    return pytest.mark.parametrize("seed", [*range(quick), *more])


def lan(seed: int, loss: float = 0.2, doubling: float = 0.2, jitter: float = 0.05) -> Lan:
    """Join the box and a phone by a bad network."""
    box = box_endpoint(
        PhoneAccount("21", fixed_address=PHONE), PhoneAccount("21#", fixed_address=PHONE)
    )
    phone = endpoint(PHONE, PhoneAccount(CALLER, fixed_address=BOX), seed=2)
    return Lan({BOX: box, PHONE: phone}, random.Random(seed), loss, doubling, jitter)


def call(net: Lan, phone: str = "21") -> None:
    """Let the box ring."""
    box = net.ends[BOX]
    box.legs.ring(ring(phone=phone), box.registrar.target(phone), net.now)


def phone_answers(net: Lan) -> None:
    """Let the far end accept whatever it is offered."""

    def react(where: Address, event: events.Event) -> None:
        if where == PHONE and isinstance(event, events.PhoneDialled):
            net.ends[PHONE].legs.accept(event.leg, ("192.0.2.21", 7000), net.now)

    net.react = react


def kinds(net: Lan, where: Address) -> list[str]:
    """Return the names of what one end was told, without what is no outcome."""
    quiet = (events.PhoneRegistered, events.LegProgressed)
    return [type(e).__name__ for e in net.told_to(where) if not isinstance(e, quiet)]


@seeds(14, 150)
def test_answered_and_hung_up(seed: int) -> None:
    """A call over a bad LAN is answered once, hung up once, and leaves nothing behind.

    Only when four INVITEs in a row are lost, or all 200s, may it fail; then it is told.
    """
    net = lan(seed)
    phone_answers(net)
    call(net)
    net.run(40.0)
    told = kinds(net, BOX)
    assert told in (["MediaAgreed", "OperatorAnswered"], ["PhoneUnreachable"])
    net.ends[BOX].legs.stop("leg", net.now)
    net.run(200.0)
    assert kinds(net, BOX) == told
    if told[0] == "MediaAgreed":
        assert kinds(net, PHONE) == [
            "PhoneDialled", "MediaAgreed", "OperatorAnswered", "PhoneHungUp",
        ]  # fmt: skip
    for end in net.ends.values():
        assert end.legs.calls == {}
        assert end.core.transactions.clients == {}
        assert end.core.transactions.servers == {}


@seeds(10, 100)
def test_cancelled_and_answered_cross(seed: int) -> None:
    """However CANCEL and answer cross, the phone never stays off hook and nobody is told."""
    net = lan(seed)
    phone_answers(net)
    call(net)
    net.run(random.Random(seed).random() * 0.02)
    already = [name for name in kinds(net, BOX) if name == "OperatorAnswered"]
    net.ends[BOX].legs.stop("leg", net.now)
    net.run(200.0)
    assert [name for name in kinds(net, BOX) if name == "OperatorAnswered"] == already
    for end in net.ends.values():
        assert end.legs.calls == {}


@seeds(8, 60)
def test_cancelled_while_ringing(seed: int) -> None:
    """A ringing phone over a bad LAN stops ringing (or was never reached)."""
    net = lan(seed)
    call(net)
    net.run(3.0)
    net.ends[BOX].legs.stop("leg", net.now)
    net.run(200.0)
    assert kinds(net, PHONE) in ([], ["PhoneDialled", "PhoneHungUp"])
    for end in net.ends.values():
        assert end.legs.calls == {}


@seeds(8, 60)
def test_the_phone_hangs_up_over_a_bad_lan(seed: int) -> None:
    """A BYE from the far end arrives in the end and is told once."""
    net = lan(seed, loss=0.3)
    phone_answers(net)
    call(net)
    net.run(40.0)
    if "OperatorAnswered" in kinds(net, BOX):
        for leg in list(net.ends[PHONE].legs.calls):
            net.ends[PHONE].legs.stop(leg, net.now)
        net.run(200.0)
        assert kinds(net, BOX).count("PhoneHungUp") == 1
    assert net.ends[BOX].legs.calls == {}


def test_a_clean_lan_needs_no_repeats() -> None:
    """Without loss a call takes its seven datagrams: INVITE, 180, 200, ACK, BYE, 200 OK."""
    net = lan(0, 0.0, 0.0, 0.0)
    phone_answers(net)
    call(net)
    net.run(40.0)
    net.ends[BOX].legs.stop("leg", net.now)
    net.run(100.0)
    assert net._count == 6


# --- nonsense -----------------------------------------------------------------------------------

HOLD = within(Bench(box_endpoint()).answered(), "INVITE", 1, body="v=0\r\nm=audio 1 RTP/AVP 8\r\n")
SEEDS = [
    request("INVITE", body="v=0\r\nc=IN IP4 192.0.2.21\r\nm=audio 1 RTP/AVP 8 101\r\n"),
    request("REGISTER", extra='Authorization: Digest username="21", realm="centralino", nonce="x"'),
    request("OPTIONS"),
    request("CANCEL"),
    HOLD,
    (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n"
        b"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
        b"Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ),
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a datagram of a phone with some of its bytes changed, cut, doubled or inserted."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["change", "cut", "double", "insert"]))
        length = draw(st.integers(1, 30))
        if how == "change":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif how == "cut":
            del data[at : at + length]
        elif how == "double":
            data[at:at] = data[at : at + length]
        else:
            data[at:at] = draw(
                st.sampled_from([b"\r\n", b" ", b":", b";", b",", b"<", b'"', b"=", b"%", b"\0"])
            )
    return bytes(data)


@settings(max_examples=examples(1500))
@given(st.lists(st.binary(max_size=200) | mutated(), min_size=1, max_size=4))
def test_no_datagram_raises(datagrams: list[bytes]) -> None:
    """Whatever arrives, at a box that rings, talks and registers, nothing is raised.

    And after it the phone still gets its answers.
    """
    bench = Bench(box_endpoint())
    bench.answered("talking")
    bench.say(bench.ring("ringing"), 180, tag="p")
    for datagram in datagrams:
        bench.box.receive(datagram, PHONE, bench.now)
        bench.box.take_datagrams()  # a 400 echoes what it was asked, legible or not
    bench.wait(40.0)
    assert [m.code for m in bench.receive(request("OPTIONS", branch="z9hG4bKafter"))] == [200]


def test_the_wish_to_ring_has_defaults() -> None:
    """A ring names at least leg, phone and port."""
    assert RingRequest("leg", "21", ("192.0.2.1", 16000)).laws == ("alaw", "ulaw")
