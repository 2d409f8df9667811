"""The state table and what moves the modem through it."""

from __future__ import annotations

import pytest

from appliance.errors import Bug
from appliance.simulator.exchange.modem_protocol import (
    STATE_TABLE,
    STREAMING,
    ModemState,
    ModemTransition,
    next_state,
)
from tests.simulator.exchange.virtual import Bench


def test_every_state_is_in_the_table_and_can_be_reached_and_left() -> None:
    """The table knows every state, reaches it, and leads back on hook from it."""
    assert set(STATE_TABLE) == set(ModemState)
    reached = {target for row in STATE_TABLE.values() for target in row.values()}
    assert reached == set(ModemState)
    for row in STATE_TABLE.values():
        assert row[ModemTransition.ON_HOOK_DATA] is ModemState.CLASS0_ONHOOK
        assert row[ModemTransition.ON_HOOK_VOICE] is ModemState.CLASS8_ONHOOK


def test_what_the_table_does_not_know_is_our_fault() -> None:
    """A stream cannot begin inside a stream; asking for it is a bug."""
    with pytest.raises(Bug, match="cannot meet"):
        next_state(ModemState.TX, ModemTransition.DUPLEX_BEGAN)


def test_a_conexant_goes_through_all_voice_states() -> None:
    """Class 8, off hook, each stream and back (v253.md 9.2)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8")
    assert bench.state() is ModemState.CLASS8_ONHOOK
    bench.prepare("AT+VLS=1")
    assert bench.state() is ModemState.OFFHOOK_COMMAND
    for command, state in (
        ("+VTX", ModemState.TX),
        ("+VRX", ModemState.RX),
        ("+VTR", ModemState.DUPLEX),
    ):
        bench.prepare(f"AT{command}")
        assert bench.state() is state
        bench.write(b"\x10^" if state is ModemState.DUPLEX else b"\x10!")
        bench.run(20)
        assert bench.state() not in STREAMING
    bench.prepare("AT+VLS=0")
    assert bench.state() is ModemState.CLASS8_ONHOOK
    bench.prepare("ATH")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    bench.prepare("AT+FCLASS=0")
    assert bench.state() is ModemState.CLASS0_ONHOOK


def test_a_stream_needs_a_held_line() -> None:
    """+VTX, +VRX and +VTR give ERROR on hook, and on a label that is no line (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8")
    for action in ("+VTX", "+VRX", "+VTR", "+VTS=1"):
        assert bench.command(f"AT{action}") == b"\r\nERROR\r\n"
    bench.prepare("AT+VLS=6")
    assert bench.command("AT+VRX") == b"\r\nERROR\r\n"
    assert bench.command("AT+VLS?") == b"\r\n6\r\n\r\nOK\r\n"


def test_hanging_up_a_usr_leaves_class_8() -> None:
    """ATH in class 8 returns a modem to class 0 (v253.md 1.3): clients count on RING as a word."""
    bench = Bench("usr5637")
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", "ATH")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    assert bench.command("AT+FCLASS?") == b"0\r\nOK\r\n"


@pytest.mark.parametrize(
    ("dialect", "setting", "held"),
    [("conexant", "AT", False), ("conexant", "AT+VNH=1", True), ("usr5637", "AT", True)],
)
def test_leaving_voice_class_off_hook(dialect: str, setting: str, held: bool) -> None:
    """+FCLASS=0 frees the line on a Conexant unless +VNH>=1, never on a USR (v253.md 1.3)."""
    bench = Bench(dialect)
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", setting, "AT+FCLASS=0")
    assert bench.station.modem.off_hook is held


def test_vnh_2_keeps_the_line_through_hang_up_and_reset() -> None:
    """+VNH=2 suppresses ATH and ATZ (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1", "AT+VNH=2", "ATH")
    assert bench.station.modem.off_hook
    assert bench.command("ATZ", 300).endswith(b"OK\r\n")
    assert bench.station.modem.off_hook


def test_dropping_dtr_hangs_up_unless_told_otherwise() -> None:
    """With &D2 a closed port ends the stream and frees the line; with &D0 nothing (9.7)."""
    for setting, held in (("AT&D2", False), ("AT&D0", True)):
        bench = Bench()
        bench.prepare("ATE0", setting)
        bench.talk()
        bench.station.modem.drop_dtr()
        assert bench.station.modem.off_hook is held


def test_a_voice_answer_is_immediate() -> None:
    """ATA in class 8 goes off hook at once (v253.md 1.3)."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "ATA")
    assert bench.state() is ModemState.OFFHOOK_COMMAND


def test_a_data_answer_finds_no_carrier() -> None:
    """ATA in class 0 waits S7 and ends in NO CARRIER with the line free."""
    bench = Bench()
    bench.prepare("ATE0", "ATS7=3")
    assert bench.command("ATA", 2900) == b""
    assert bench.state() is ModemState.DIALING
    assert bench.run(300) == b"\r\nNO ANSWER\r\n"
    assert bench.state() is ModemState.CLASS0_ONHOOK


def test_automatic_answer_counts_rings() -> None:
    """With S0=2 the second ring is answered, in class 8 as in class 0 (v253.md 1.3)."""
    for setup, state in (("AT", ModemState.DIALING), ("AT+FCLASS=8", ModemState.OFFHOOK_COMMAND)):
        bench = Bench()
        bench.prepare("ATE0", "ATS0=2", setup)
        call = bench.place()
        bench.run(5000)
        answered = [call.report.answered]
        bench.run(1000)
        assert [*answered, call.report.answered] == [False, True]
        assert bench.state() is state


def test_factory_settings_on_and_off_hook() -> None:
    """&F leaves class 8 on hook, and keeps a held line in its class."""
    bench = Bench()
    bench.prepare("ATE0", "AT+FCLASS=8", "AT&F")
    assert bench.state() is ModemState.CLASS0_ONHOOK
    bench.prepare("AT+FCLASS=8", "AT+VLS=1", "AT&F")
    assert bench.state() is ModemState.OFFHOOK_COMMAND
    assert bench.station.modem.settings.voice
