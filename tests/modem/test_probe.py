"""The commissioning probe: duplex proven, half duplex, no voice; on the exchange's own modems."""

from __future__ import annotations

import pytest

from appliance.modem.probe import DuplexProbe, DuplexVerdict, ProbeFinding
from appliance.modem.scripts import LineSettings
from appliance.simulator.exchange.modem_protocol import personality_named
from appliance.simulator.exchange.outlet import Station
from appliance.simulator.exchange.signals import country_named

STEP_S = 0.01


def probed(
    make: str, vtr: str, takes: int = 9999, settings: LineSettings | None = None
) -> tuple[ProbeFinding, Station]:
    """Probe a modem whose +VTR does so; its port takes so many bytes in 10 ms of a stream."""
    station = Station(1, country_named("it"), personality_named(make))
    station.modem.vtr = vtr
    probe, now, waiting = DuplexProbe(settings or LineSettings()), 100.0, bytearray()
    probe.start(now)
    for _ in range(9000):
        if probe.finding is not None:
            return probe.finding, station
        now += STEP_S
        station.tick(station.samples_in(STEP_S), now)
        probe.receive_data(station.modem.data_to_send(), now)
        due = probe.next_deadline()
        if due is not None and now >= due:
            probe.handle_timer(now)
        waiting += probe.data_to_send()
        share = min(len(waiting), takes if station.modem.streaming else len(waiting))
        station.modem.receive_data(bytes(waiting[:share]), now)
        probe.written(share)
        del waiting[:share]
    raise AssertionError("the probe came to no end")


def on_hook(station: Station) -> bool:
    """True when the line was put back, and nothing was done against the protocol."""
    return not station.modem.off_hook and not station.modem.guard.faults


@pytest.mark.parametrize("make", ["conexant", "usr5637"])
def test_duplex_is_proven_by_both_rates(make: str) -> None:
    """8000 samples a second each way, no underrun; left by DLE ^; the line is put on hook."""
    found, station = probed(make, "duplex")
    assert found.verdict is DuplexVerdict.DUPLEX
    assert 7900 <= found.heard_rate <= 8100
    assert 7900 <= found.sent_rate <= 8300
    assert (found.underruns, found.overruns, found.ended_by) == (0, 0, "DLE ^")
    assert "duplex = true" in found.sentence.text("it")
    assert "duplex = true" in found.sentence.text("en")
    assert found.modem
    assert on_hook(station)


def test_error_is_half_duplex() -> None:
    """The modem refuses +VTR: said so, with what to write."""
    found, station = probed("usr5637", "error")
    assert found.verdict is DuplexVerdict.HALF_DUPLEX
    assert "+VTR" in found.sentence.text("it")
    assert "duplex = false" in found.sentence.text("en")
    assert on_hook(station)


def test_a_stream_without_a_sample_is_half_duplex() -> None:
    """CONNECT alone proves nothing."""
    found, station = probed("usr5637", "mute")
    assert found.verdict is DuplexVerdict.HALF_DUPLEX
    assert found.heard_rate == 0
    assert "sends no sound" in found.sentence.text("en")
    assert on_hook(station)


def test_a_modem_that_takes_too_little_is_half_duplex() -> None:
    """What is to be played waits at the port: the rate to the line is told."""
    found, _ = probed("conexant", "duplex", takes=40)
    assert found.verdict is DuplexVerdict.HALF_DUPLEX
    assert found.sent_rate < 7600
    assert str(found.sent_rate) in found.sentence.text("it")


def test_some_modems_are_left_by_etx_only() -> None:
    """DLE ^ first, then DLE ETX; duplex all the same, and told by which."""
    found, station = probed("usr5637", "etx")
    assert (found.verdict, found.ended_by) == (DuplexVerdict.DUPLEX, "DLE ETX")
    assert on_hook(station)


def test_a_modem_that_cannot_be_brought_out_is_of_no_use() -> None:
    """Neither terminator ends it: not duplex, whatever its rates."""
    found, _ = probed("conexant", "stuck")
    assert found.verdict is DuplexVerdict.HALF_DUPLEX
    assert "DLE ETX" in found.sentence.text("en")


def test_a_modem_without_voice_is_told() -> None:
    """+FCLASS=8 refused is no half duplex: it can do nothing at all."""
    station = Station(1, country_named("it"), personality_named("conexant"))
    probe, now = DuplexProbe(LineSettings()), 100.0
    probe.start(now)
    while probe.finding is None:
        now += STEP_S
        station.tick(80, now)
        probe.receive_data(station.modem.data_to_send(), now)
        due = probe.next_deadline()
        if due is not None and now >= due:
            probe.handle_timer(now)
        sent = probe.data_to_send().replace(b"AT+FCLASS=8", b"AT+XXXXX=8")
        station.modem.receive_data(sent, now)
    assert probe.finding.verdict is DuplexVerdict.NO_VOICE
    assert not station.modem.off_hook


def test_no_modem_at_all() -> None:
    """A port that never answers: nothing is proven, and what to do is said."""
    probe, now = DuplexProbe(LineSettings(dialect="conexant")), 100.0
    probe.start(now)
    while probe.finding is None:
        due = probe.next_deadline()
        assert due is not None
        now = max(now, due)
        probe.handle_timer(now)
        probe.data_to_send()
    assert probe.finding.verdict is DuplexVerdict.NO_ANSWER
    assert probe.finding.modem == ""
