"""A fax machine as a caller, by the tests' own measure (ITU-T T.30)."""

from __future__ import annotations

import pytest

from appliance.simulator.exchange.call import CallPlan
from appliance.simulator.exchange.signals import FAX_PERIOD, FaxMachine
from tests.simulator.exchange import ruler
from tests.simulator.exchange.virtual import Bench


def test_its_tone_is_that_of_t30() -> None:
    """1100 Hz for 0.5 s every 3.5 s, whatever the ticks."""
    machine = FaxMachine()
    sound = b"".join(machine.take(80)[0] for _ in range(700))
    assert ruler.cadence_ms(sound) == pytest.approx([500, 3000, 500, 3000], abs=10)
    assert ruler.goertzel_dbm0(sound[:4000], 1100) == pytest.approx(-13, abs=0.5)


def test_each_burst_is_recognised_once() -> None:
    """The chip names it 400 ms after its start."""
    machine = FaxMachine()
    heard = [at for at in range(3 * FAX_PERIOD // 80) if machine.take(80)[1]]
    assert [at // (FAX_PERIOD // 80) for at in heard] == [0, 1, 2]
    assert heard[0] == 39


def test_the_modem_tells_of_it_in_a_stream_alone() -> None:
    """DLE c while it listens off hook in class 8, and nothing with tones switched off."""
    for chip in (True, False):
        bench = Bench()
        bench.prepare("ATE0", "AT+FCLASS=8", "AT+VSM=131,8000", "AT+VSD=0,0")
        bench.station.modem.chip_tones = chip
        bench.place(CallPlan(fax=True))
        bench.run(1000)
        bench.prepare("AT+VLS=1", "AT+VTR")
        assert bench.run(5000).count(b"\x10c") == (2 if chip else 0)


def test_it_waits_until_all_is_said() -> None:
    """Who speaks first and then presses the machine's key."""
    bench = Bench()
    call = bench.place(CallPlan(fax=True, clips=(b"\x2a" * 8000,)))
    call.answer()
    said = b"".join(call.speak(80)[0] for _ in range(160))
    assert said[:8000] == b"\x2a" * 8000
    assert ruler.goertzel_dbm0(said[8000:12_000], 1100) == pytest.approx(-13, abs=0.5)
    assert not call.hangs_up(80)
