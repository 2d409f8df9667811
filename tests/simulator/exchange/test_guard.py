"""What the exchange notices of a host's manners (v253.md 1.1, 9.8)."""

from __future__ import annotations

import random

from appliance.simulator.exchange import modem_protocol
from appliance.simulator.exchange.modem_protocol import shield
from tests.simulator.exchange.virtual import Bench


def test_a_command_within_100_ms_of_a_result_is_a_fault() -> None:
    """The next command comes at least 100 ms after a result code; 90 ms is too soon."""
    bench = Bench()
    bench.command("AT")
    bench.run(90)
    bench.write(b"AT\r")
    assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_TOO_EARLY: 1}
    bench.command("AT")
    assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_TOO_EARLY: 1}


def test_manners_of_a_whole_call_are_faultless() -> None:
    """A call done right counts nothing."""
    bench = Bench()
    bench.talk()
    bench.write(shield(bytes(range(256))) + b"\x10^")
    bench.prepare("AT+VLS=0")
    assert not bench.station.modem.guard.faults


def test_an_unshielded_dle_is_a_fault() -> None:
    """A 0x10 data byte sent single meets an unknown code."""
    bench = Bench()
    bench.talk()
    bench.write(b"\xff\x10\xff")
    assert bench.station.modem.guard.faults == {modem_protocol.UNKNOWN_CODE: 1}
    assert bench.station.modem.guard.last[0].endswith("0xff")


def test_command_text_in_a_stream_is_a_fault_however_cut() -> None:
    """AT text inside sound is found, in one piece or many, once."""
    for pieces in ((b"\xff\xffAT+VTS=5\r\xff",), tuple(bytes([b]) for b in b"\xffATH\r\xff")):
        bench = Bench()
        bench.talk()
        for piece in pieces:
            bench.write(piece)
        assert bench.station.modem.guard.faults == {modem_protocol.COMMAND_IN_STREAM: 1}


def test_noise_is_not_taken_for_commands() -> None:
    """A minute of random sound hold no command."""
    watch = modem_protocol.HostGuard()
    noise = random.Random(3).randbytes(8000 * 60)
    for at in range(0, len(noise), 160):
        watch.streamed(noise[at : at + 160], 0.0)
    assert not watch.faults
