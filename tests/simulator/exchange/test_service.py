"""The exchange's control socket and clock."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from appliance.__main__ import main
from appliance.commands import simulated_call
from appliance.dsp import g711, wav
from appliance.errors import ConfigurationError, TechnicianError
from appliance.simulator.exchange import process, service
from appliance.simulator.exchange.audio import SAMPLE_RATE, Echo
from appliance.simulator.exchange.call import CallPlan, CallReport, Party
from appliance.simulator.exchange.outlet import KNOBS, Outlet
from appliance.simulator.exchange.service import Controller
from appliance.simulator.exchange.signals import COUNTRIES
from appliance.text import Words
from tests.simulator.exchange.virtual import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def outlet(tmp_path: Path) -> Iterator[Outlet]:
    """Give a line whose port nobody has opened."""
    made = Outlet(Bench().station, tmp_path / "line1")
    yield made
    made.close()


def told(controller: Controller) -> list[dict[str, object]]:
    """Give the messages a controller has for its client."""
    return [json.loads(line) for line in controller.data_to_send().splitlines()]


def ask(controller: Controller, **message: object) -> dict[str, object]:
    """Send one message and give the only answer."""
    controller.receive_line(service.encode_message(message))
    (answer,) = told(controller)
    return answer


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "call", "line": 1, "rings": 0}, "at least 1"),
        ({"do": "call", "line": 1, "rings": "3"}, "type int"),
        ({"do": "call", "line": 1, "caller": "x"}, "give a number, withheld"),
        ({"do": "call", "line": 1, "release": "x"}, "use busy, busy200, congestion"),
        ({"do": "call", "line": 1, "id_order": "x"}, "before or after"),
        ({"do": "call", "line": 1, "digits": "x"}, "0-9 A-D"),
        ({"do": "call", "line": 1, "colour": "red"}, "no field of a call"),
        ({"do": "call", "line": 9}, "line 9 does not exist"),
        ({"do": "call"}, "whole number"),
        ({"do": "call", "line": 1, "rings": 10**30}, "give 0 to"),
        ({"do": "call", "line": 1, "hang_up_after_ms": -1}, "give 0 to"),
        ({"do": "call", "line": 1, "name": "x" * 65}, "printable characters"),
        ({"do": "call", "line": 1, "date": "\r\nOK"}, "printable characters"),
        ({"do": "press", "digits": "1"}, "place a call first"),
        ({"do": "clip", "data": "*"}, "base64"),
        ({"do": "clip", "data": "\u00e8"}, "base64"),
        ({"do": "clip"}, "give a text"),
        ({"do": "sing"}, "nothing the exchange can do"),
        ({"do": "set", "line": 1, "knobs": 1}, "an object of names"),
        ({"do": "set", "line": 1, "knobs": {"volume": 1}}, "not known"),
        ({"do": "set", "line": 1, "knobs": {"cut": 1}}, "true or false"),
        ({"do": "set", "line": 1, "knobs": {"ppm": "1"}}, "give a number"),
        ({"do": "set", "line": 1, "knobs": {"ppm": float("nan")}}, "give -10000 to 10000"),
        ({"do": "set", "line": 1, "knobs": {"lose_results": 1e300}}, "give 0 to 1000"),
        ({"do": "set", "line": 1, "knobs": {"echo": [-1e9, 0]}}, "give 0 to 100"),
        ({"do": "set", "line": 1, "knobs": {"echo": 6}}, "loss in dB"),
        ({"do": "set", "line": 1, "knobs": {"outgoing": "x"}}, "use answer, busy"),
        ({"do": "set", "line": 1, "knobs": {"extensions": 7}}, "object of numbers"),
        ({"do": "set", "line": 1, "knobs": {"vtr": "half"}}, "use duplex, error"),
        ({"do": "set", "line": 1, "knobs": {"called": "x"}}, "give the digits"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"2": 7}}}, "object of a party"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"x": {}}}}, "use 0-9"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"2": {"says": 1}}}}, "nothing a party"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"2": {"outcome": "x"}}}}, "congestion"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"2": {"press": "y"}}}}, "use 0-9"),
        ({"do": "set", "line": 1, "knobs": {"extensions": {"2": {"rings": -1}}}}, "give 0 to"),
        ({"do": "set", "line": 1, "knobs": {"report": ""}}, "letters of DLE"),
        ({"do": "set", "line": 1, "knobs": {"ring": 0}}, "give 1 to 10"),
        ({"do": "set", "line": 1, "knobs": {"refuse": "+VTR"}}, "a list of commands"),
        ({"do": "set", "line": 1, "knobs": {"refuse": [1]}}, "a list of commands"),
        ({"do": "set", "line": 1, "knobs": {"values": {"+XYZ": "1"}}}, "this make's parameters"),
        ({"do": "set", "line": 1, "knobs": {"values": {"+VIT": "x"}}}, "this make's parameters"),
        ({"do": "set", "line": 1, "knobs": {"values": {"+VSD": "1"}}}, "this make's parameters"),
        ({"do": "set", "line": 1, "knobs": {"values": []}}, "this make's parameters"),
        ({"do": "set", "line": 1, "knobs": {"volts": -1}}, "give 0 to 200"),
        ({"do": "set", "line": 1, "knobs": {"caller": "0511"}}, "give [number"),
        ({"do": "set", "line": 1, "knobs": {"caller": ["x", "after"]}}, "give a number"),
        ({"do": "set", "line": 1, "knobs": {"caller": ["0511", "late"]}}, "before or after"),
        ({"do": "set", "line": 1, "knobs": {"release": "never"}}, "use busy, busy200"),
        ({"do": "set", "line": 1, "knobs": {"noise": 3}}, "give -90 to 0"),
        ({"do": "set", "line": 1, "knobs": {"bell": 400}}, "[on, off] in ms"),
    ],
)
def test_a_wrong_message_is_answered_in_words(
    outlet: Outlet, message: dict[str, object], words: str
) -> None:
    """Whatever is wrong with a message, the client reads what to do."""
    answer = ask(Controller({1: outlet}, dict), **message)
    assert answer["event"] == "error"
    assert words in str(answer["sentence"])


@pytest.mark.parametrize("line", [b"nonsense", b"[]", b"\xff", b"[" * 15_000])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    """Only JSON objects are messages."""
    with pytest.raises(ConfigurationError, match="JSON"):
        service.decode_message(line)


def test_a_call_is_followed_to_its_end(outlet: Outlet) -> None:
    """placed, ringing, answered, heard, released, ended, in this order, sound complete."""
    controller = Controller({1: outlet}, dict)
    clip = base64.b64encode(b"\x11" * 800).decode()
    controller.receive_line(service.encode_message({"do": "clip", "data": clip}))
    controller.receive_line(service.encode_message({"do": "clip", "data": clip}))
    assert ask(controller, do="call", line=1, caller="051598111")["event"] == "placed"
    assert ask(controller, do="call", line=1)["event"] == "error"
    station, bench = outlet.station, Bench()
    bench.station = station
    events: list[dict[str, object]] = []
    for _ in range(3):
        bench.run(100)
        controller.follow()
        events += told(controller)
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1")
    for _ in range(300):
        bench.run(10)
        controller.follow()
        events += told(controller)
    bench.prepare("AT+VLS=0")
    bench.run(10)
    controller.follow()
    events += told(controller)
    names = [str(event["event"]) for event in events]
    assert [name for name in names if name != "heard"] == [
        "ringing",
        "answered",
        "released",
        "ended",
    ]
    report = events[-1]["report"]
    assert isinstance(report, dict)
    assert report["bytes_said"] == 1600
    heard = sum(len(service.sound_of(each)) for each in events if each["event"] == "heard")
    assert heard == report["bytes_heard"]


def test_saying_pressing_and_hanging_up_in_the_call(outlet: Outlet) -> None:
    """A client may add words and keys while the call runs, and end it."""
    controller = Controller({1: outlet}, dict)
    ask(controller, do="call", line=1, release="silence")
    bench = Bench()
    bench.station = outlet.station
    bench.run(100)
    bench.prepare("ATE0", "AT+FCLASS=8", "AT+VLS=1")
    said = base64.b64encode(b"\x11" * 80).decode()
    controller.receive_line(service.encode_message({"do": "say", "data": said}))
    controller.receive_line(service.encode_message({"do": "press", "digits": "1"}))
    bench.run(500)
    controller.receive_line(service.encode_message({"do": "hang-up"}))
    bench.run(20)
    controller.follow()
    released = next(event for event in told(controller) if event["event"] == "released")
    report = released["report"]
    assert isinstance(report, dict)
    assert (report["digits_sent"], report["bytes_said"]) == ("1", 80 + 1280)
    assert report["release"] == "silence"


def test_every_knob_turns(outlet: Outlet) -> None:
    """Each knob changes what its name says."""
    controller = Controller({1: outlet}, dict)
    values: dict[str, object] = {
        "chip_tones": False,
        "chip_dtmf": False,
        "echo": [6, 10],
        "ppm": 50,
        "extension": True,
        "cut": True,
        "volts": 24.0,
        "outgoing": "busy",
        "pbx": True,
        "dial_tone": False,
        "vtr": "mute",
        "called": "051598111",
        "extensions": {"201": {"outcome": "busy"}, "202": {"press": "1", "rings": 1}},
        "wedged": True,
        "ignore_dtr": True,
        "lose_results": 2,
        "end_late": 30,
        "poke_wanted": "02",
        "chip_extension": False,
        "report": "d",
        "ring": 2,
        "refuse": ["+vtr"],
        "values": {"+VIT": "1"},
        "caller": ["0511", "before"],
        "release": "congestion",
        "hears": {"gate": -40, "times": [2, 10]},
        "says": {"slip": [10, 4]},
        "id_calls": 4,
        "ghost": 7,
        "fails_each": 20,
        "ignores_hang_ups": 5,
        "shields": False,
        "unshields": False,
        "loss": 6,
        "noise": -50,
        "crackle": -40,
        "dull": 1,
        "bent": 0.5,
        "detune": 3,
        "bell": [400, 2000],
        "identity": {"0": "34800"},
        "plugged": False,
    }
    assert set(values) == set(KNOBS)
    modem = outlet.station.modem
    assert ask(controller, do="set", line=1, knobs=values) == {"event": "done"}
    wire = outlet.station.line.wire
    assert (modem.chip_tones, modem.chip_dtmf, modem.lose_results) == (False, False, 2)
    assert modem.data_to_send() == b"\x10d" + b"\r\nRING\r\n" * 2
    assert modem.refused == frozenset({"+VTR"})
    assert modem.settings.values["+VIT"] == "1"
    assert (wire.extension_up, wire.cut, wire.outgoing, wire.pbx) == (True, True, "busy", True)
    assert outlet.station.line.volts == 24.0
    assert wire.dial_tone is False
    assert (wire.caller.caller, wire.caller.id_order, wire.release) == (
        "0511",
        "before",
        "congestion",
    )
    assert (wire.worn.loss_db, wire.worn.dull, wire.worn.bent) == (6.0, 1, 0.5)
    assert (wire.hears.gate_dbm0, wire.hears.times) == (-40.0, (16_000, 80_000))
    assert wire.says.slips is not None
    assert (wire.id_calls, wire.ghost) == (4, 56_000)
    assert (modem.fails_each, modem.ignores_hang_ups) == (20, 5)
    assert (modem.shields, modem.unshields) == (False, False)
    country = outlet.station.line.country
    assert (country.dial.frequencies, country.ring) == ((438,), (400, 2000))
    ask(controller, do="set", line=1, knobs={"detune": 0, "bell": None})
    assert outlet.station.line.country == COUNTRIES["it"]
    assert modem.vtr == "mute"
    assert wire.lines == {"051598111": outlet.station.line}
    ask(controller, do="set", line=1, knobs={"called": "12"})
    assert wire.lines == {"12": outlet.station.line}
    assert wire.extensions == {"201": Party("busy"), "202": Party(press="1", rings=1)}
    assert isinstance(wire.echo, Echo)
    assert (outlet.wedged, outlet.ignore_dtr, outlet.station.ppm) == (True, True, 50)
    assert outlet.port is None
    assert not outlet.link.exists()
    ask(controller, do="set", line=1, knobs={"plugged": True, "echo": None})
    assert outlet.link.exists()
    assert outlet.station.line.wire.echo is None
    again = outlet.station.modem
    assert again is not modem
    assert again.refused == frozenset({"+VTR"})
    assert again.settings.values["+VIT"] == "1"


def test_status_is_asked_over_the_same_socket(outlet: Outlet) -> None:
    """`status` gives what the exchange says of itself."""
    controller = Controller({1: outlet}, lambda: {"lines": [outlet.report()]})
    status = ask(controller, do="status")["status"]
    assert isinstance(status, dict)
    assert status["lines"][0]["line_state"] == "idle"


def test_a_ulaw_file_is_said_and_heard_byte_for_byte(tmp_path: Path) -> None:
    """A mu-law WAV passes unchanged in and out; the written one is format 7 (contract)."""
    data = bytes(range(256)) * 3 + b"\x07"
    (tmp_path / "say.wav").write_bytes(process.ulaw_wav(data))
    sound = wav.read(tmp_path / "say.wav")
    assert (sound.law, sound.rate, sound.data) == ("ulaw", 8000, data)
    assert process.read_clip(tmp_path / "say.wav") == data


def test_other_files_are_turned_into_ulaw(tmp_path: Path) -> None:
    """16-bit and A-law files are companded; others are refused in words."""
    pcm = g711.ulaw_to_linear(bytes(range(256)))
    law = type(wav.parse(process.ulaw_wav(b"")).law)
    path = tmp_path / "say.wav"
    path.write_bytes(wav.build(pcm, law("linear16")))
    assert g711.ulaw_to_linear(process.read_clip(path)) == pcm
    path.write_bytes(wav.build(g711.linear_to_alaw(pcm), law("alaw")))
    assert len(process.read_clip(path)) == 256
    with pytest.raises(FileNotFoundError):
        process.read_clip(tmp_path / "none.wav")
    path.write_bytes(b"no sound")
    with pytest.raises(TechnicianError, match="not a WAV"):
        process.read_clip(path)


def test_dialects_are_named_once_or_per_line() -> None:
    """One name serves all lines, several serve one each, the last one repeats."""
    assert service.dialects_for(2, "conexant") == ["conexant"] * 2
    assert service.dialects_for(3, "conexant,usr5637") == ["conexant", "usr5637", "usr5637"]
    with pytest.raises(ConfigurationError, match="3 dialects for 2 lines"):
        service.dialects_for(2, "a,b,c")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dialect", "hayes"], "use conexant, usr5637"),
        (["--dialect", "conexant,conexant,conexant"], "3 dialects for 2 lines"),
    ],
)
def test_the_exchange_command_says_what_is_wrong(
    tmp_path: Path, options: list[str], words: str
) -> None:
    """A wrong option is a sentence and status 1, no trace."""
    result = CliRunner().invoke(
        main, ["dev", "exchange", "--directory", str(tmp_path / "ex"), *options]
    )
    assert result.exit_code == 1
    assert words in result.output


def test_the_call_command_says_when_no_exchange_runs(tmp_path: Path) -> None:
    """Without an exchange the command says how to start one."""
    result = CliRunner().invoke(main, ["dev", "call", "--exchange", str(tmp_path)])
    assert result.exit_code == 1
    assert "start `centralino dev exchange` there" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exchange", "--dialect", "hayes"], "la marca di modem 'hayes' è sconosciuta"),
        (["exchange", "--extension", "201=fly"], "interno 201: esito 'fly' sconosciuto"),
        (["exchange", "--extension", "busy"], "interno 'busy'"),
        (
            ["exchange", "--echo", "500", "1"],
            "l'attenuazione dell'eco (--echo) vale 500.0: scrivere",
        ),
        (["call"], "non risponde nessuna centrale simulata"),
        (["exchange", "--extension", "1=busy,rings=9999999"], "interno 1: rings vale 9999999"),
        (["call", "--dated", "0000"], "'0000' non è una data"),
        (["call", "--dated", "9999"], "'9999' non è una data"),
        (["call", "--start-delay", "nan"], "nan non è fra i valori ammessi"),
        (["call", "--after-quiet", "inf"], "inf non è fra i valori ammessi"),
        (["call", "--limit", "nan"], "nan non è fra i valori ammessi"),
        (["call", "--say", "/nowhere.wav"], "/nowhere.wav: non c'è nessun file con questo nome"),
        (["call", "--say", "/dev/null"], "il file non è un WAV: convertirlo con: sox"),
    ],
)
def test_what_is_wrong_is_said_in_the_readers_language(
    tmp_path: Path, words: list[str], said: str
) -> None:
    """An Italian reader is told in Italian."""
    command, *options = words
    folder = "--directory" if command == "exchange" else "--exchange"
    line = ["--language", "it", "dev", command, folder, str(tmp_path / "ex"), *options]
    result = CliRunner().invoke(main, line)
    assert result.exit_code in {1, 2}
    assert said in result.output


def test_an_exchange_that_ends_during_a_call_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system tells of a reset connection."""

    def place(*_given: object, **_more: object) -> CallReport:
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(process, "place_call", place)
    line = ["--language", "it", "dev", "call", "--exchange", str(tmp_path)]
    result = CliRunner().invoke(main, line)
    assert result.exit_code == 1
    assert result.output == "Errore: la centrale simulata è terminata: avviarla di nuovo\n"


def test_an_exchanges_refusal_comes_in_every_language(outlet: Outlet) -> None:
    """It says why in each: the client knows its reader's."""
    refused = ask(Controller({1: outlet}, dict), do="call", line=9)
    assert refused["sentence"] == "line 9 does not exist: lines 1-1"
    words = process._refusal(refused)
    assert isinstance(words, Words)
    assert words.text("it") == "la linea 9 non c'è: linee 1-1"
    assert process._refusal({"sentence": "no"}) == "no"


def test_a_report_in_words() -> None:
    """The command's words tell the outcome."""
    unanswered = CallReport(line=1, rings=3, ended_by="gave up")
    assert str(simulated_call.report_in_words(unanswered)) == (
        "line 1: not answered (the caller gave up), rings: 3"
    )
    answered = CallReport(
        line=1,
        answered=True,
        answered_after_s=1.5,
        ended_by="host",
        digits_sent="1",
        transferred_to="23",
        path="a.wav",
    )
    words = str(simulated_call.report_in_words(answered))
    assert "the line is still held" in words
    italian = simulated_call.report_in_words(unanswered).text("it")
    assert italian == "linea 1: nessuna risposta (chi chiamava ha rinunciato), squilli: 3"
    assert words.endswith("digits sent: 1\ntransferred to 23\nwhat the caller heard: a.wav")


def test_a_plan_hides_its_sound_when_printed() -> None:
    """Half a megabyte of clip is not printed with the plan."""
    assert "clips" not in repr(CallPlan(clips=(b"x",)))


@pytest.mark.parametrize("dated", ["", "02292359"])
def test_the_call_command_tells_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dated: str
) -> None:
    """A date that exists, as exchanges send it: strangers' clients read it as one."""
    plans: list[CallPlan] = []

    def place(_directory: Path, _line: int, plan: CallPlan, **_: object) -> CallReport:
        plans.append(plan)
        return CallReport()

    monkeypatch.setattr(process, "place_call", place)
    options = ["--exchange", str(tmp_path), "--from", "0511234567", "--dated", dated]
    result = CliRunner().invoke(simulated_call.call_command, options if dated else options[:-2])
    assert result.exit_code == 0, result.output
    (plan,) = plans
    assert plan.date + plan.time == dated or "0101" <= plan.date <= "1231"
    assert plan.identity is not None


def test_the_call_command_refuses_a_date_that_is_none(tmp_path: Path) -> None:
    """One sentence, and what to write instead."""
    result = CliRunner().invoke(
        simulated_call.call_command, ["--exchange", str(tmp_path), "--dated", "0000"]
    )
    assert result.exit_code == 2
    assert "MMDDHHMM" in result.output


@pytest.mark.parametrize(("ppm", "expected"), [(0, 480_000), (100, 480_048), (-100, 479_952)])
def test_a_minute_has_the_crystals_number_of_samples(ppm: float, expected: int) -> None:
    """Over 60 s the codec runs exactly at its crystal's rate, in ticks of about 80 samples."""
    station = Bench().station
    station.ppm = ppm
    counts = [station.samples_in(0.01) for _ in range(6000)]
    assert sum(counts) == pytest.approx(expected, abs=1)
    assert set(counts) <= {79, 80, 81}


def test_two_lines_drift_apart_by_what_was_said() -> None:
    """At +100 and -100 ppm ten minutes of the same sound differ by 960 samples."""
    fast, slow = Bench(), Bench()
    fast.station.ppm, slow.station.ppm = 100, -100
    got = []
    for bench in (fast, slow):
        bench.talk(stream="+VRX")
        got.append(sum(len(bench.run(1000)) for _ in range(60)))
    assert got[0] - got[1] == pytest.approx(60 * SAMPLE_RATE * 200e-6, abs=2)


def test_received_sound_comes_in_small_regular_chunks() -> None:
    """Every 10 ms brings 80 samples."""
    bench = Bench()
    bench.talk()
    assert {len(bench.run(10)) for _ in range(100)} == {80}
