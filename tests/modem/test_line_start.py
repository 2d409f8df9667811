"""How a line comes up, whatever its modem was found doing."""

from __future__ import annotations

import pytest

from appliance.dsp.wav import Law
from appliance.errors import Bug
from appliance.modem.events import Failed, Recovery, Stream, Up
from appliance.modem.line import LADDER, LineDriver
from appliance.modem.scripts import NO_FORMAT, NO_VOICE, LineSettings
from appliance.modem.table import LineStage
from appliance.text import Words
from tests.helpers.words import pair
from tests.modem.fake_modem import FakeModem, usr5637
from tests.modem.line_states import bench, prepared, up


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_a_line_comes_up_idle_with_its_modem_known(piece: int) -> None:
    """Up tells make, duplex and law; the modem is idle in class 0."""
    line = bench(piece=piece)
    line.up()
    assert line.take() == [Up("CONEXANT CX93001-EIS_V0.2013-V92", True, Law.ULAW)]
    assert (line.driver.stage, line.driver.law) == (LineStage.IDLE, Law.ULAW)
    assert not line.modem.voice
    assert line.modem.faults == []


def test_coming_up_takes_less_than_five_seconds() -> None:
    """READY may wait 5 s at most for a line."""
    line = bench()
    line.note(line.driver.start(line.now))
    line.run(5)
    assert [type(e) for e in line.events] == [Up]
    assert line.at[0] - 100 < 4


def test_a_usr5637_is_half_duplex_and_linear_until_proven() -> None:
    """Its numbers mean other formats; duplex needs a commissioning test."""
    line = bench(usr5637())
    line.up()
    event = line.take()[0]
    assert isinstance(event, Up)
    assert (event.duplex, event.law) == (False, Law.LINEAR8)
    with pytest.raises(Bug):
        line.driver.start_stream(Stream.DUPLEX, line.now)
    proven = LineSettings(duplex=True, dialect="usr5637")
    assert LineDriver("1", proven).duplex


@pytest.mark.parametrize("action", ["+VTX", "+VRX", "+VTR"])
@pytest.mark.parametrize("piece", [0, 1])
def test_a_modem_found_in_a_stream_comes_up(action: str, piece: int) -> None:
    """A former owner was killed: the stream is ended in band and the line put on hook."""
    modem = FakeModem()
    modem.begin_stream(action, 100.0)
    modem.buffered = 4000 if action == "+VTX" else 0
    line = up(modem, piece)
    assert not modem.off_hook
    assert not modem.voice
    assert line.driver.stage is LineStage.IDLE


@pytest.mark.parametrize("state", [{"verbose": False}, {"quiet": True}, {"echo": False}])
def test_a_modem_with_any_way_of_answering_comes_up(state: dict[str, bool]) -> None:
    """V0, Q1 and E0 or E1 left by a former owner are undone."""
    assert up(FakeModem(**state)).driver.stage is LineStage.IDLE  # type: ignore[arg-type]  # flags only


def test_a_lost_result_is_asked_again() -> None:
    """One lost OK costs its limit, not the line."""
    line = bench(FakeModem(lose={"+GMI": 1, "E0V1Q0": 1}))
    line.note(line.driver.start(line.now))
    line.run(12)
    assert [type(e) for e in line.take()] == [Up]


def test_a_deaf_modem_fails_with_a_sentence_and_climbs_the_ladder() -> None:
    """Each failed start asks for the next step, to the top; coming up starts over (v253.md 4)."""
    line = bench(FakeModem(deaf=True))
    needs = []
    for _ in range(len(LADDER) + 1):
        line.up()
        (failed,) = line.take()
        assert isinstance(failed, Failed)
        assert "ATE0V1Q0" in failed.reason.text("it")
        assert "unplug" in str(failed.reason)
        needs.append(failed.needs)
    assert needs == [
        Recovery.DROP_DTR,
        Recovery.REOPEN,
        Recovery.RESET_USB,
        Recovery.POWER_CYCLE,
        Recovery.REPLUG,
        Recovery.REPLUG,
    ]
    line.modem.deaf = False
    line.up()
    assert isinstance(line.take()[0], Up)
    assert line.driver.needs is None
    line.modem.deaf = True
    line.up()
    assert line.driver.needs is Recovery.DROP_DTR


@pytest.mark.parametrize(
    ("least", "needs", "then"),
    [
        (Recovery.REOPEN, Recovery.REOPEN, Recovery.RESET_USB),
        (Recovery.RESET_USB, Recovery.RESET_USB, Recovery.POWER_CYCLE),
        (Recovery.PLUG_IN, Recovery.PLUG_IN, Recovery.DROP_DTR),
        (Recovery.FREE_PORT, Recovery.FREE_PORT, Recovery.DROP_DTR),
    ],
)
def test_a_lost_port_begins_the_ladder_where_it_may_help(
    least: Recovery, needs: Recovery, then: Recovery
) -> None:
    """A port that hangs needs more than a new descriptor; a modem that is not there, a person."""
    line = up()
    gone = pair("Non c'è più.", "It is gone.")
    assert line.driver.lost(gone, line.now, least) == (Failed(gone, needs),)
    line.modem.deaf = True
    line.up()
    assert line.driver.needs is then


@pytest.mark.parametrize(
    ("modem", "reason"),
    [
        (FakeModem(refuse={"+FCLASS=8"}), NO_VOICE),
        (FakeModem(maker="ACME", product="X", formats=('129,"ADPCM",4,8000',)), NO_FORMAT),
    ],
)
def test_a_modem_that_cannot_serve_is_to_be_replaced(modem: FakeModem, reason: Words) -> None:
    """No voice mode, or no usable format: said at once, no recovery is tried."""
    line = bench(modem)
    line.up()
    assert line.take() == [Failed(reason, Recovery.REPLACE)]


def test_refused_extras_do_not_matter() -> None:
    """What a make may lack (-STE, +PCW, +VIT, gains) is asked for and passed over."""
    refuse = {"-STE=3", "+PCW=2", "&D2", "+VIT=0", "+VGR=120", "+VSM=?"}
    settings = LineSettings(receive_gain=120, transmit_gain=128, overrides=("AT!4886=02",))
    line = up(FakeModem(refuse=refuse), settings=settings)
    prepared(line)
    assert line.driver.law is Law.LINEAR8
    assert {"AT!4886=02", "AT+VGR=120", "AT+VGT=128", "AT+VSM=1,8000"} <= set(line.modem.commands)
