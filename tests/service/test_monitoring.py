"""MQTT in call control: what is configured, what leaves of numbers, what people are told of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import workers
from appliance.api import status_text
from appliance.calls import events as facts
from appliance.calls.orders import Result
from appliance.config import read
from appliance.config.build import broker_of
from appliance.config.office import build_office
from appliance.config.values import MQTT_PASSWORD
from appliance.errors import StoreError
from appliance.fleet.mqtt import BrokerHealth, OutboxDepth
from appliance.fleet.mqtt_messages import FleetEvent, MqttMessage
from appliance.policy.supervision import Component
from appliance.service import monitoring
from appliance.service.housekeeping import plan_of
from appliance.service.monitoring import Fleet, fleet_of
from appliance.service.status import StatusCollector
from appliance.store import call_log
from appliance.store import monitoring as store_monitoring
from appliance.store.database import Trouble
from appliance.store.writer import DatabaseWriter
from appliance.text import unchanged
from tests.calls.examples import TEN as NOW
from tests.calls.examples import tell, up
from tests.config.test_read import SMALL, mistakes_of
from tests.helpers.words import pair
from tests.policy.test_privacy_declared_numbers import DIRECTORY
from tests.store.samples import TEN, a_call

MQTT = """
[mqtt]
server = "broker.comune.example"
user = "nord"
password_file = "/etc/centralino/mqtt_password"
prefix = "comune/nord"
events = ["calls", "lines", "troubles"]
"""
AWAY = BrokerHealth(why=pair("non si raggiunge (x)", "cannot be reached (x)"), depth=OutboxDepth(3))
CALLED = FleetEvent(1, "a" * 32, "call_ended", "now", {"call": "c"}, "shown", "3470000001")
OURS = replace(CALLED, caller="0541704101")
AT = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[DatabaseWriter]:
    """Records that are started by who uses them."""
    made = DatabaseWriter(tmp_path / "centralino.db", "boot")
    yield made
    if made.is_alive:
        made.stop()


def a_fleet(
    records: DatabaseWriter, text: str = MQTT, collector: StatusCollector | None = None
) -> Fleet:
    """Make the fleet of a box with a directory; its thread never runs."""
    settings, status = read.parse(SMALL + text), up().status(NOW)
    office = build_office(settings, 2026)
    made = fleet_of(
        settings, office, records, collector or StatusCollector(), lambda: DIRECTORY, lambda: status
    )
    assert made is not None
    return made


def written(made: Fleet, event: FleetEvent) -> dict[str, Any]:
    """Return what an event says of its caller."""
    found: dict[str, Any] = json.loads(made._written(event).payload)["about"]["caller"]
    return found


def until(is_so: Callable[[], bool]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 10.0
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kinds(records: DatabaseWriter) -> list[str]:
    """List the events that wait."""
    return [each.kind for each in records.ask(lambda c: store_monitoring.waiting(c, 0, 99))]


def test_without_a_broker_there_is_nothing(records: DatabaseWriter) -> None:
    """No thread, no library, no trigger in the database."""
    settings = read.parse(SMALL)
    office = build_office(settings, 2026)
    made = fleet_of(
        settings, office, records, StatusCollector(), lambda: DIRECTORY, lambda: up().status(NOW)
    )
    assert made is None
    records.start()
    over = replace(a_call("c-1", Result.ANSWERED), ended_at=TEN)
    records.ask(lambda c: call_log.upsert_calls(c, [over], "boot"))
    assert kinds(records) == []


@pytest.mark.parametrize(("text", "has_none"), [("", True), (MQTT, False)])
def test_the_caretaker_knows_whether_events_may_leave(text: str, has_none: bool) -> None:
    """Only where no broker is configured does what waits go by age."""
    settings = read.parse(SMALL + text)
    calendar = build_office(settings, 2026).switchboard.schedule
    assert plan_of(settings, calendar).has_no_broker is has_none


def test_the_broker_is_taken_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS on its usual port; a password that systemd hands over stands before its file."""
    settings = read.parse(SMALL + MQTT)
    build_office(settings, 2026)
    broker = broker_of(settings.mqtt)
    assert broker is not None
    assert (broker.where, broker.name) == ("broker.comune.example:8883", "comune_nord")
    assert broker.password_file == "/etc/centralino/mqtt_password"
    (tmp_path / MQTT_PASSWORD).write_text("word")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    handed = broker_of(settings.mqtt)
    assert handed is not None
    assert handed.password_file == str(tmp_path / MQTT_PASSWORD)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('server = "b"', "mqtt.prefix: '' cannot be: each box has its own"),
        ('prefix = "a/#"', "mqtt.prefix: 'a/#' cannot be"),
        ('events = ["call"]', "mqtt.events: 'call' is unknown: use calls, messages"),
        ('callers = "all"', "mqtt.callers: 'all' is unknown: use masked, full"),
        ('security = "ssl"', "mqtt.security: 'ssl' is unknown: use tls, none"),
        ("port = -1", "mqtt.port: -1 is no port"),
        ("queue = 5", "mqtt.queue: 5 cannot be: write 100 to 100000 events"),
        ('user = "a"', "mqtt.user: a user needs its password_file"),
        ('key = "/k"', "mqtt.certificate: a certificate needs its key"),
        ('security = "none"\nuser = "a"\npassword_file = "/x"', "mqtt.security: passwords and"),
        ('security = "none"\ncallers = "full"', "mqtt.callers: callers' numbers are not sent"),
    ],
)
def test_what_is_wrong_with_a_broker(wrong: str, said: str) -> None:
    """Each in one sentence with its place."""
    assert any(said in mistake for mistake in mistakes_of(f"{SMALL}\n[mqtt]\n{wrong}\n"))


def test_of_callers_numbers_no_more_leaves_than_is_configured(records: DatabaseWriter) -> None:
    """P7: masked unless it says full; an office's own number is masked whatever it says."""
    masked, full = a_fleet(records), a_fleet(records, MQTT + 'callers = "full"\n')
    assert written(masked, CALLED)["number"] == "347•••"
    assert written(full, CALLED)["number"] == "3470000001"
    assert written(full, OURS)["number"] == "•••"


def test_what_differs_is_kept_once_and_over_a_restart(
    records: DatabaseWriter, tmp_path: Path
) -> None:
    """A line is lost, call control dies, the line is back: one event each, whenever looked at."""
    made, control = a_fleet(records), up()
    records.start()
    made.see(control.status(NOW))
    tell(control, NOW, facts.LineLost("line1", unchanged("gone")))
    for _ in range(2):
        made.see(control.status(NOW))
    until(lambda: kinds(records) == ["line_lost"])
    records.stop()
    again = DatabaseWriter(tmp_path / "centralino.db", "next boot")
    try:
        after = a_fleet(again)
        again.start()
        after.see(up().status(NOW))
        until(lambda: kinds(again) == ["line_lost", "line_back"])
    finally:
        again.stop()


def test_troubles_of_the_box_are_told_under_their_codes(records: DatabaseWriter) -> None:
    """Those of its parts, and that the configuration has mistakes, without which ones."""
    collector = StatusCollector(pair("telefono anna", "phone anna"))
    collector.trouble("mail", Trouble("mail.away", pair("La posta.", "Mail.")))
    assert [(one.code, one.words.text("en")) for one in monitoring.known_of(collector)] == [
        ("configuration", monitoring.MISCONFIGURED.text("en")),
        ("mail.away", "Mail."),
    ]
    made = a_fleet(records, collector=collector)
    records.start()
    made.look(AT)
    until(lambda: kinds(records) == ["trouble_began", "trouble_began"])


def test_a_fault_of_ours_is_told_and_stays(
    records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that keeps the thread from all work: a restart may mend it, a look does not end it."""
    collector = StatusCollector()
    made = a_fleet(records, collector=collector)
    records.start()
    monkeypatch.setattr(workers, "PAUSES_S", (0.001, 0.001))
    monkeypatch.setattr(made._sender, "_connect", None)  # a fault: it cannot be called
    made.start()
    until(lambda: collector.failed() == (Component.MQTT,))
    made.look(AT)
    assert collector.failed() == (Component.MQTT,)
    made.stop()


def test_what_the_records_refuse_is_kept_later(
    records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card that fails for a moment loses no difference: the next look tries again."""
    made = a_fleet(records)
    records.start()
    made.see(up().status(NOW))
    records.ask(store_monitoring.depth)  # the first facts are kept
    control = up()
    tell(control, NOW, facts.LineLost("line1", unchanged("gone")))
    monkeypatch.setattr(made, "_status", lambda: control.status(NOW))
    with monkeypatch.context() as broken:
        broken.setattr(records, "do", lambda _, done: done(StoreError("the card fails")))
        made.see(control.status(NOW))
    made.look(AT)
    until(lambda: kinds(records) == ["line_lost"])


def test_home_assistant_is_told_only_when_asked(
    records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its one topic beyond the prefix is off unless configured."""
    shown: list[tuple[MqttMessage, ...]] = []
    for text in ("", "home_assistant = true\n"):
        made = a_fleet(records, MQTT + text)
        monkeypatch.setattr(made._sender, "show", shown.append)
        made.see(up().status(NOW))
    beyond = [[m.topic for m in one if not m.topic.startswith("comune/nord/")] for one in shown]
    assert beyond == [[], ["homeassistant/device/centralino_comune_nord/config"]]


@pytest.mark.parametrize(
    ("health", "away_s", "code"),
    [
        (BrokerHealth(), 1e9, None),
        (AWAY, 10.0, None),
        (AWAY, 100.0, "mqtt.away"),
        (replace(AWAY, misset=True), 0.0, "mqtt.misset"),
        (
            BrokerHealth(connected=True, depth=OutboxDepth(0, 3, AT.isoformat())),
            0.0,
            "mqtt.dropped",
        ),
        (
            BrokerHealth(
                connected=True, depth=OutboxDepth(0, 3, (AT - timedelta(days=2)).isoformat())
            ),
            0.0,
            None,
        ),
    ],
)
def test_what_the_technician_must_see_to(
    health: BrokerHealth, away_s: float, code: str | None
) -> None:
    """A broker that is away for a moment is nobody's trouble; one that refuses is, at once."""
    found = status_text.trouble_of("b:8883", health, away_s, AT)
    assert (found.code if found else None) == code


def test_status_and_page_say_how_it_is(records: DatabaseWriter) -> None:
    """Whether the broker is reached, how many events wait, how many were dropped."""
    collector = StatusCollector()
    made = a_fleet(records, collector=collector)
    assert "not connected yet" in collector.mqtt_said[0].text("en")
    made._heard(AWAY)
    assert "cannot be reached" in collector.mqtt_said[0].text("en")
    made._heard(BrokerHealth(connected=True, depth=OutboxDepth(2, 5, AT.isoformat())))
    assert collector.mqtt_said[0] == pair(
        "MQTT: broker broker.comune.example:8883: collegato; eventi in attesa: 2; scartati 5",
        "MQTT: broker broker.comune.example:8883: connected; events waiting: 2; dropped 5",
    )
    assert collector.mqtt is not None
    assert (collector.mqtt["connected"], collector.mqtt["waiting"]) == (True, 2)


def test_a_connection_that_takes_too_long_is_broken_off(
    records: DatabaseWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the deciding thread: whoever waits in TLS cannot look at a clock."""
    made = a_fleet(records)
    aborted: list[bool] = []
    monkeypatch.setattr(type(made._sender), "opening_since", property(lambda _: since[0]))
    monkeypatch.setattr(made._sender, "abort", lambda: aborted.append(True))
    since = [time.monotonic()]
    made.look(AT)
    assert aborted == []
    since = [time.monotonic() - monitoring.OPEN_LIMIT_S - 1.0]
    made.look(AT)
    assert aborted == [True]
