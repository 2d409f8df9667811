"""Who is heard at all: networks, so many datagrams a second, bounded memory; calls are unharmed."""

from __future__ import annotations

import ipaddress
import random

import pytest

from appliance.calls import events
from appliance.sip.endpoint import (
    ANSWERS_BURST,
    ANSWERS_RATE,
    BURST,
    FIRST,
    FLOOD,
    FLOOD_S,
    MAX_SOURCES,
    NEWCOMERS_BURST,
    NEWCOMERS_RATE,
    QUIET_S,
    RATE,
    STRANGERS_BURST,
    STRANGERS_RATE,
    TOLD_S,
    Endpoint,
    RateLimit,
)
from appliance.sip.message import LIMIT, MAX_HEADERS
from appliance.sip.pyvoip import parse
from appliance.sip.registrar import MAX_GUESSES, MAX_LOCKS, PhoneAccount, PhonesSettings, network_of
from appliance.sip.transactions import MAX_SERVERS, MAX_STRANGERS
from appliance.sip.transport import (
    ACCEPT_BURST,
    ACCEPT_RATE,
    BACKLOG,
    MIDWAY_S,
    MOST_OF_A_HOST,
    MOST_UNPROVEN,
    UNPROVEN_BYTES,
    UNPROVEN_S,
    WAITING_BYTES,
    WAITING_S,
)
from tests.docs.pages import DESIGN, rows
from tests.sip.world import BOX, PHONE, SDP, Bench, box_endpoint, request, within

HOME = frozenset({PHONE[0]})
STRANGER = ("192.0.2.66", 5060)


def admitted(authentication: RateLimit, host: str, number: int, now: float = 0.0) -> int:
    """Return how many of `number` datagrams of a host pass at once."""
    return sum(authentication.admits(b"x", host, now, HOME, ()) for _ in range(number))


def test_a_known_host_may_send_50_a_second_and_200_at_once() -> None:
    """A token bucket: what was not used gathers up to the burst, no further."""
    authentication = RateLimit()
    assert admitted(authentication, PHONE[0], 1000) == 200
    assert admitted(authentication, PHONE[0], 1000, 1.0) == 50
    assert admitted(authentication, PHONE[0], 1000, 1000.0) == 200
    assert authentication.dropped == 3000 - 450


def test_one_stranger_cannot_speak_for_all() -> None:
    """10 a second and 40 at once; another one is heard beside it."""
    authentication = RateLimit()
    assert admitted(authentication, STRANGER[0], 1000) == 40
    assert admitted(authentication, STRANGER[0], 1000, 1.0) == 10
    assert admitted(authentication, "192.0.2.67", 10, 1.0) == 10


def test_forged_sources_share_one_measure() -> None:
    """A source a datagram: 180 at once, then 40 a second, and no phone loses any of its own; what
    answers to nonces takes beside that was given to nobody who only forges.
    """
    authentication = RateLimit(is_ours=lambda nonce, host, _: nonce == host)
    forged = [f"10.{n >> 8 & 255}.{n & 255}.9" for n in range(5000)]
    assert sum(admitted(authentication, host, 1) for host in forged) == 180
    assert sum(admitted(authentication, host, 1, 1.0) for host in forged[:1000]) == 40
    answer = b'REGISTER ... nonce="192.0.2.67", uri="sip:x"'
    heard = [
        authentication.admits(answer, host, 1.0, HOME, ()) for host in (forged[0], "192.0.2.67")
    ]
    assert heard == [False, True]
    assert admitted(authentication, PHONE[0], 10, 1.0) == 10
    assert len(authentication._buckets) == MAX_SOURCES


FLOODERS = [f"10.9.0.{n}" for n in range(1, 31)]


def flooded(authentication: RateLimit, since: float, seconds: int) -> None:
    """Let 30 computers send 300 datagrams a second, for so long."""
    for n in range(300 * seconds):
        authentication.admits(b"REGISTER", FLOODERS[n % 30], since + n / 300, HOME, ())


def test_a_flood_keeps_no_phone_out_that_is_switched_on() -> None:
    """30 computers send 300 a second for a minute: a phone at a new address is heard at its first
    word, and again where it is switched off and on; the flood's own measure is no larger for it.
    """
    authentication = RateLimit()
    flooded(authentication, 0.0, 60)
    assert admitted(authentication, "192.0.2.67", FIRST, 60.0) == FIRST
    flooded(authentication, 60.0, 61)
    assert admitted(authentication, "192.0.2.67", FIRST, 121.0 + QUIET_S) == FIRST
    heard = 300 * 121 + 2 * FIRST - authentication.dropped
    together = (STRANGERS_RATE + NEWCOMERS_RATE) * (121 + QUIET_S)
    assert heard <= together + STRANGERS_BURST + NEWCOMERS_BURST


def test_a_flood_is_told_with_its_addresses() -> None:
    """While strangers are refused by hundreds those that send most are named; a minute after the
    last of it nobody is. Scanners that one measure bounds, phones that all start, are none.
    """
    authentication = RateLimit()
    assert authentication.flood(0.0) == ()
    for n in range(20):
        admitted(authentication, f"192.0.2.{100 + n}", 6)
    admitted(authentication, "10.9.0.1", FLOOD // 2)
    assert authentication.flood(0.0) == ()
    for second in range(int(FLOOD_S)):
        admitted(authentication, "10.9.0.9", 100, 100.0 + second)
        admitted(authentication, "10.9.0.8", 40, 100.0 + second)
    assert authentication.flood(109.0)[0] == "10.9.0.9"
    assert authentication.flood(109.0 + TOLD_S + FLOOD_S) == ()


def test_what_names_a_call_passes_whatever_else_comes() -> None:
    """A forger of the phone's own address does not keep its BYE away; a stranger's is no BYE."""
    authentication = RateLimit()
    admitted(authentication, PHONE[0], 1000)
    assert authentication.admits(b"BYE ... Call-ID: 0af3\r\n", PHONE[0], 0.0, HOME, ["0af3"])
    assert not authentication.admits(b"BYE ... Call-ID: 0af4\r\n", PHONE[0], 0.0, HOME, ["0af3"])
    admitted(authentication, STRANGER[0], 1000)
    assert not authentication.admits(b"BYE ... Call-ID: 0af3\r\n", STRANGER[0], 0.0, HOME, ["0af3"])


def test_networks() -> None:
    """Only addresses of the allowed networks are heard, and those at which phones stand."""
    authentication = RateLimit((ipaddress.IPv4Network("192.0.2.64/29"), network_of("10.0.0.7")))
    heard = {host: admitted(authentication, host, 1) for host in (
        "192.0.2.63", "192.0.2.64", "192.0.2.71", "192.0.2.72", "10.0.0.7", "10.0.0.8", PHONE[0],
    )}  # fmt: skip
    assert [host for host, passed in heard.items() if passed] == [
        "192.0.2.64", "192.0.2.71", "10.0.0.7", PHONE[0],
    ]  # fmt: skip


def test_an_address_that_is_not_allowed_gets_no_answer() -> None:
    """Not even a refusal: to a scanner there is nothing here; the technician sees the count."""
    networks = (network_of("192.0.2.0/26"),)
    settings = PhonesSettings(*BOX, (PhoneAccount("21", "s"),), allowed=networks, qualify_s=0)
    bench = Bench(Endpoint(settings, parse, lambda _: BOX, random.Random(1).randbytes))
    assert bench.receive(request("OPTIONS"), STRANGER) == []
    assert bench.box.rate_limit.dropped == 1
    assert [m.code for m in bench.receive(request("OPTIONS"), PHONE)] == [200]


# --- floods -------------------------------------------------------------------------------------


def scanned(bench: Bench, method: str, *, forged: bool, number: int = 3000) -> None:
    """Let a scanner send a thousand requests a second."""
    for n in range(number):
        source = (f"10.{n >> 8 & 255}.{n & 255}.9", 5060) if forged else STRANGER
        data = request(
            method, source=source, uri=f"sip:{n}@192.0.2.1", call_id=f"scan{n}",
            branch=f"z9hG4bKscan{n}", from_=f"<sip:{n}@x>;tag=s", to=f"<sip:{n}@x>",
            body=SDP if method == "INVITE" else "",
        )  # fmt: skip
        bench.receive(data, source)
        bench.wait(0.001)


@pytest.mark.parametrize("forged", [False, True], ids=["one-source", "forged-sources"])
@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "INVITE"])
def test_a_scanner_leaves_calls_and_memory_alone(method: str, forged: bool) -> None:
    """While a call is up and another rings: both go on, nothing is told, nothing grows."""
    bench = Bench(
        box_endpoint(PhoneAccount("21", fixed_address=PHONE), PhoneAccount("22", "secret"))
    )
    ack = bench.answered("talking")
    bench.say(bench.ring("ringing"), 180, tag="p")
    bench.events()
    scanned(bench, method, forged=forged)
    core = bench.box.core
    assert bench.events() == []
    assert sorted(bench.box.legs.calls) == ["ringing", "talking"]
    assert len(core.transactions.servers) <= MAX_STRANGERS
    assert len(core.transactions.clients) <= 4
    assert (bench.box.registrar.bindings, bench.box.nonsense) == ({}, 0)
    assert bench.box.registrar.authentication.lock_out.sources(bench.now) == ()
    assert bench.box.registrar.authentication.lock_out._wrong.keys == ()
    assert bench.box.rate_limit.dropped > 2000
    assert bench.receive(within(ack, "BYE"))[0].code == 200
    assert bench.events() == [events.PhoneHungUp("talking")]


def test_a_flood_under_the_phones_own_address() -> None:
    """Forged as the phone's: its hold and its BYE are obeyed all the same."""
    bench = Bench(box_endpoint())
    ack = bench.answered()
    for n in range(2000):
        bench.receive(request("OPTIONS", branch=f"z9hG4bKf{n}"))
    assert len(bench.box.core.transactions.servers) <= MAX_SERVERS
    assert bench.receive(within(ack, "INFO", 1))[0].code == 200
    assert bench.receive(within(ack, "BYE", 2))[0].code == 200
    assert bench.events() == [events.PhoneHungUp("leg")]


def test_strangers_make_room_for_one_another_only() -> None:
    """A phone's answered request is remembered for its repeats while strangers come and go."""
    bench = Bench(box_endpoint())
    once = request("OPTIONS", branch="z9hG4bKphone")
    (first,) = bench.receive(once)
    for n in range(MAX_STRANGERS * 3):
        bench.receive(request("OPTIONS", source=STRANGER, branch=f"z9hG4bKs{n}"), STRANGER)
        bench.wait(0.02)
    assert bench.receive(once)[0].get("To") == first.get("To")
    assert sum(not t.is_known for t in bench.box.core.transactions.servers.values()) > 0


def test_a_known_host_that_floods_costs_strangers_first() -> None:
    """When the memory is full, what strangers left in it goes before what phones did."""
    bench = Bench(box_endpoint())
    bench.receive(request("OPTIONS", source=STRANGER, branch="z9hG4bKs"), STRANGER)
    for n in range(MAX_SERVERS):
        bench.receive(request("OPTIONS", branch=f"z9hG4bKf{n}"))
        bench.wait(0.02)
    servers = bench.box.core.transactions.servers
    assert len(servers) == MAX_SERVERS
    assert all(t.is_known for t in servers.values())


def test_the_figures_stand_in_the_guide_of_the_house() -> None:
    """What a flood may fill is stated in the page of failures, figure by figure."""
    told = {row[0]: row[1] for row in rows(DESIGN / "failures.md", "What a flood may fill")}
    assert told == {
        "datagrams of a host where a phone stands": per_second(RATE[True], BURST[True]),
        "datagrams of a stranger": per_second(RATE[False], BURST[False]),
        "datagrams of all strangers together": per_second(STRANGERS_RATE, STRANGERS_BURST),
        "beside them, the first 8 of who was not heard for a minute": per_second(
            NEWCOMERS_RATE, NEWCOMERS_BURST
        ),
        "beside them, answers to a nonce of ours": per_second(ANSWERS_RATE, ANSWERS_BURST),
        "sources whose rate is known": str(MAX_SOURCES),
        "requests remembered for their repeats": f"{MAX_SERVERS}, of strangers {MAX_STRANGERS}",
        "calls that phones have dialled": "2 a configured phone",
        "registrations": "1 a configured phone",
        "message lamps": "1 subscription and 1 NOTIFY under way a configured phone",
        "nonces": "none is kept",
        "wrong passwords": f"{MAX_LOCKS} names and sources, {MAX_GUESSES} times each",
        "a datagram, or a message of a stream": f"{LIMIT} bytes, {MAX_HEADERS} headers",
        "connections over which no phone has registered": (
            f"{MOST_UNPROVEN}, of one address {MOST_OF_A_HOST}; the oldest of whoever has most "
            f"makes room; {UNPROVEN_S:g} s each, {UNPROVEN_BYTES} bytes"
        ),
        "connections taken": (
            f"{per_second(ACCEPT_RATE, ACCEPT_BURST)}; the rest wait in the kernel's queue of "
            f"{BACKLOG}, or nowhere"
        ),
        "messages of a connection": "as datagrams of its host; who sends more waits, nothing is "
        "lost",
        "a message that has begun to come": f"{MIDWAY_S:g} s",
        "what waits for a peer that takes nothing": f"{WAITING_BYTES} bytes, {WAITING_S:g} s",
    }


def per_second(rate: float, burst: float) -> str:
    """Write a rate as the page does."""
    return f"{rate:g} a second, {burst:g} at once"
