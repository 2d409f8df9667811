"""Each bundle of the repository is a modem: the exchange answers as it, the driver serves it."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.modem import bundle as files
from appliance.modem import redaction
from appliance.modem.bundle import Bundle, Exchange
from appliance.modem.events import (
    Failed,
    Idle,
    OffHook,
    Prepared,
    RingReceived,
    SoundReceived,
    Stopped,
    Stream,
    Streaming,
    Up,
)
from appliance.modem.learning import dialect_of, is_refused, verdict
from appliance.modem.line import LineDriver
from appliance.modem.scripts import LineSettings
from appliance.simulator.exchange import replay
from appliance.simulator.exchange.call import CallPlan, ExchangeCall
from appliance.simulator.exchange.modem_protocol import COMMAND_IN_STREAM
from appliance.simulator.exchange.outlet import Station
from appliance.simulator.exchange.signals import country_named
from appliance.text import LANGUAGES

FOLDER = Path(__file__).resolve().parents[1] / "captures" / "bundles"
FILES = sorted(FOLDER.glob("*.json*"))
TICK_S = 0.01


@functools.cache
def read(path: Path) -> Bundle:
    """Read one bundle."""
    return files.from_bytes(path.read_bytes())


class Desk:
    """A line's driver on a modem that a bundle describes, on one virtual clock."""

    def __init__(self, path: Path, settings: LineSettings) -> None:
        self.station = Station(1, country_named("it"), replay.personality(str(path)))
        self.driver = LineDriver("line1", settings)
        self.now = 100.0
        self.events: list[object] = []
        self.note(self.driver.start(self.now))

    def note(self, events: tuple[object, ...]) -> None:
        """Keep events, carry bytes."""
        self.events += events
        if data := self.driver.data_to_send():
            self.station.modem.receive_data(data, self.now)

    def run(self, seconds: float, *until: type) -> None:
        """Let time pass, at most until one of some events."""
        end, seen = self.now + seconds, len(self.events)
        while self.now < end and not any(isinstance(e, until) for e in self.events[seen:]):
            self.now += TICK_S
            self.station.tick(self.station.samples_in(TICK_S), self.now)
            self.note(self.driver.receive_data(self.station.modem.data_to_send(), self.now))
            due = self.driver.next_deadline()
            if due is not None and due <= self.now:
                self.note(self.driver.handle_timer(self.now))

    def kinds(self) -> list[type]:
        """Return the kinds of events so far."""
        return [type(event) for event in self.events]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("learnt", [False, True], ids=["by its answers", "learnt"])
def test_the_driver_serves_it_or_says_why_not(path: Path, learnt: bool) -> None:
    """A line comes up and takes a call, or fails with the sentence that its bundle has."""
    bundle = read(path)
    settings = LineSettings(learnt=dialect_of(bundle)) if learnt else LineSettings()
    desk = Desk(path, settings)
    desk.run(60, Up, Failed)
    if is_refused(bundle):
        assert [e.reason for e in desk.events if isinstance(e, Failed)] == [verdict(bundle)]
        return
    assert Up in desk.kinds(), desk.events[-1:]
    desk.run(3, Idle)
    call = ExchangeCall(CallPlan(caller="0512345678", hang_up_after_ms=60_000), 1)
    desk.station.line.place(call)
    desk.run(20, RingReceived)
    desk.run(20, Prepared)
    desk.note(desk.driver.answer(desk.now))
    desk.run(10, OffHook)
    desk.note(desk.driver.start_stream(Stream.TRANSMIT, desk.now))
    desk.run(5, Streaming)
    desk.driver.send_samples(b"\x55" * 800)
    desk.run(0.5)
    desk.note(desk.driver.end_stream(desk.now))
    desk.run(10, Stopped)
    desk.note(desk.driver.start_stream(Stream.RECEIVE, desk.now))
    desk.run(1)
    desk.note(desk.driver.hang_up(desk.now))
    desk.run(30, Idle)
    kinds = desk.kinds()
    assert [
        kind for kind in (OffHook, Streaming, Stopped, SoundReceived) if kind not in kinds
    ] == []
    assert Failed not in kinds
    assert kinds[-1] is Idle
    assert not desk.station.modem.off_hook
    assert call.heard.strip(b"\xff")
    # A lost result is asked for where the first terminators are not heeded (v253.ask_end).
    allowed = set() if learnt else {COMMAND_IN_STREAM}
    assert set(desk.station.modem.guard.faults) <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_exchange_answers_as_the_modem_did(path: Path) -> None:
    """Each question of the file, in the class in which it was asked: the same lines and result."""
    modem = Station(1, country_named("it"), replay.personality(str(path))).modem
    modem.settings.echo = False
    asked = [each for each in read(path).exchanges if is_question(each)]
    for each in asked:
        modem.settings.voice = bool(each.voice)
        modem.receive_data(each.sent.encode() + b"\r", 0.0)
        *lines, result = filter(None, modem.data_to_send().decode().split("\r\n"))
        assert result == each.result, each
        assert [_as_kept(line, each.sent) for line in lines] == list(each.lines)
    assert asked or not read(path).exchanges


def is_question(exchange: Exchange) -> bool:
    """Tell whether a command changes nothing in the modem."""
    only_asks = re.fullmatch(r"AT(I\d|\+G.+|-TRV|.+\?)", exchange.sent)
    return exchange.result == "ERROR" or only_asks is not None


def _as_kept(line: str, command: str) -> str:
    return redaction.masked_answer(line, command)


def test_there_are_ten_bundles_and_each_tells_where_it_is_from() -> None:
    """Sources are named; what was not measured is not invented."""
    assert len(FILES) >= 10
    for path in FILES:
        bundle = read(path)
        assert bundle.name == path.name.split(".json")[0]
        assert bundle.made or bundle.sources, path.name
        if bundle.sources:
            assert all(each.ms is None for each in bundle.exchanges), path.name
            assert bundle.transcript == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_verdict_recommends_the_make_that_it_refuses(path: Path, language: str) -> None:
    """A 5637 without voice is not to be replaced with a 5637."""
    bundle = read(path)
    makes = {word for word in re.findall(r"\w*\d\w*", bundle.modem) if len(word) > 3}
    said = verdict(bundle).text(language)
    assert [make for make in makes if make in said] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "other"}, "schema"),
        ({"version": 2}, "version 2"),
        ({"streams": [{"action": "+VTR"}]}, r"streams\[0\] lacks begun"),
        ({"exchanges": [{"sent": "AT", "lines": [], "result": 1}]}, r"exchanges\[0\].result"),
        ({"calls": {}}, "no list"),
        ({"colour": "red"}, "unknown key: colour"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(change: dict[str, object], said: str) -> None:
    """A bundle that somebody has edited is refused in words."""
    told = json.loads(FILES[0].read_bytes()) | change
    with pytest.raises(ConfigurationError, match=said):
        files.from_bytes(json.dumps(told).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\x1f\x8bxx", b"\xff\xfe"])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    """By both readings."""
    with pytest.raises(ConfigurationError, match="no modem bundle"):
        files.from_bytes(data)
    with pytest.raises(ConfigurationError, match="no modem bundle"):
        replay.replayed(data)
