"""REGISTER with digest, against a registrar written out by hand."""

from __future__ import annotations

from appliance.simulator.phone.sip import SipMessage
from tests.simulator.phone.challenge import CHALLENGE, proves
from tests.simulator.phone.harness import FAR, SDP, Bench, firsts, request


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
