"""Monitoring: figures for Prometheus, states and events for an MQTT broker.

A seam: nothing in call control depends on it, and calls go on when either is missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import appliance
from appliance.api import status_text
from appliance.config.build import broker_of, networks_of
from appliance.errors import CentralinoError
from appliance.fleet import mqtt_messages
from appliance.fleet.mqtt import BrokerHealth, MqttSender, OutboxDepth
from appliance.fleet.mqtt_messages import CallerNumbers, FleetEvent, Json, KnownTrouble, MqttMessage
from appliance.fleet.prometheus import (
    BoxFigures,
    GatewayFigures,
    MetricCounters,
    MetricsServer,
    PhoneFigures,
)
from appliance.policy import privacy
from appliance.policy.reports import NOTHING_STORED, StoredCounts
from appliance.policy.supervision import Component
from appliance.service.updates import UpdateRecord, is_image, running_version
from appliance.store import monitoring, reports
from appliance.store.database import Trouble
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3

    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.fleet.mqtt import Broker, BrokerLink
    from appliance.policy.directory import Directory
    from appliance.policy.office import Office
    from appliance.policy.supervision import MediaHealth
    from appliance.service.backup import BackupStick
    from appliance.service.backup_target import BackupTarget
    from appliance.service.loop import CallControl
    from appliance.service.nightly import Night
    from appliance.service.status import StatusCollector
    from appliance.service.stores import Stores
    from appliance.sip.phones import PhonesStatus
    from appliance.store.writer import DatabaseWriter


# MQTT, made only where a broker is configured: paho is not loaded elsewhere.

BROKER_STOP_LIMIT_S: Final = 2.0
# Seconds until a connection must be open: a TLS handshake byte by byte would take hours.
OPEN_LIMIT_S: Final = 30.0
# Seconds after the start within which troubles of the run before may still show again.
SETTLED_S: Final = 120.0
MISCONFIGURED: Final = _("The configuration has mistakes: centralino check tells them.")


@dataclass(frozen=True, slots=True)
class StoredOutbox:
    """The outbox in the database, for the fleet's thread, which may wait for the disk."""

    records: DatabaseWriter

    def waiting(self, after: int, most: int) -> tuple[FleetEvent, ...]:
        """See fleet.mqtt_session.Outbox."""
        rows = self.records.ask(lambda c: monitoring.waiting(c, after, most))
        return tuple(
            FleetEvent(r.number, r.id, r.kind, r.at, r.about, r.presentation, r.caller)
            for r in rows
        )

    def settle(self, numbers: Iterable[int]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.settle(c, numbers))

    def set_aside(self, number: int) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.set_aside(c, number))

    def depth(self) -> OutboxDepth:
        """See fleet.mqtt_session.Outbox."""
        found = self.records.ask(monitoring.depth)
        return OutboxDepth(found.waiting, found.dropped, found.dropped_at)

    def retained(self) -> frozenset[str]:
        """See fleet.mqtt_session.Outbox."""
        return self.records.ask(monitoring.retained)

    def retain(self, topics: Iterable[str]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.retain(c, topics))

    def release(self, topics: Iterable[str]) -> None:
        """See fleet.mqtt_session.Outbox."""
        self.records.ask(lambda c: monitoring.release(c, topics))


class Fleet:
    """Publisher of states to the broker; writes events to the database's outbox."""

    def __init__(
        self,
        broker: Broker,
        settings: Settings,
        office: Office,
        records: DatabaseWriter,
        collector: StatusCollector,
        directory: Callable[[], Directory],
        status: Callable[[], Status],
    ) -> None:
        # Imported here: paho is loaded only where MQTT is on.
        from appliance.fleet.mqtt_client import MqttConnection

        self._mqtt, self._office, self._directory = settings.mqtt, office, directory
        self._where, self._records, self._collector = broker.where, records, collector
        self._status = status
        self._topics = frozenset(settings.mqtt.events)
        self._facts: Json | None = None
        # The database has refused the last differences: they are queued again.
        self._is_unkept = False
        self._known: tuple[KnownTrouble, ...] = ()
        self._health, self._away_since = BrokerHealth(), time.monotonic()
        self._started = time.monotonic()
        self._seen = 0
        kinds = [
            kind for kind, topic in mqtt_messages.GROUP_OF_EVENT.items() if topic in self._topics
        ]
        most = settings.mqtt.queue
        # The database thread prepares itself at its start: this must come before.
        records.prepare = lambda c: monitoring.prepare(c, self._topics, kinds, most)
        records.watch(self._look_for_more)

        def connect(will: MqttMessage) -> BrokerLink:
            return MqttConnection(broker, will)

        self._sender = MqttSender(
            settings.mqtt.prefix,
            StoredOutbox(records),
            connect,
            self._written,
            self._heard,
            lambda _: collector.trouble(Component.MQTT, status_text.ENDED),
        )
        self._home = self._discovery(settings)
        self._say()

    def start(self) -> None:
        """Start the fleet's thread."""
        self._sender.start()

    def stop(self) -> None:
        """End the fleet's thread, or leave it to the process's end after BROKER_STOP_LIMIT_S."""
        # A name lookup under way cannot be interrupted.
        with contextlib.suppress(CentralinoError):
            self._sender.stop(BROKER_STOP_LIMIT_S)

    @property
    def beat_at(self) -> float:
        """When the fleet's loop last turned (monotonic s)."""
        return self._sender.beat_at

    def see(self, status: Status) -> None:
        """Publish a status: states to the broker, differences as events to the database."""
        states = mqtt_messages.state_messages(self._mqtt.prefix, status, self._known)
        self._sender.show((*self._home, *states))
        facts = mqtt_messages.facts_of(status, self._known)
        if facts != self._facts:
            self._facts = facts
            self._note(facts)

    def look(self, now: datetime) -> None:
        """Set the broker's trouble, give up a hanging connection, publish changed troubles.

        In the deciding thread, each turn.
        """
        away_s = 0.0 if self._health.connected else time.monotonic() - self._away_since
        trouble = status_text.trouble_of(self._where, self._health, away_s, now)
        self._collector.trouble_once("fleet", trouble)
        opening = self._sender.opening_since
        if opening is not None and time.monotonic() - opening > OPEN_LIMIT_S:
            self._sender.abort()
        known = known_of(self._collector)
        if known != self._known or self._is_unkept:
            self._known, self._is_unkept = known, False
            self.see(self._status())

    def _note(self, facts: Json) -> None:
        """Store the facts in force and queue what differs from before."""
        settled = time.monotonic() - self._started > SETTLED_S
        at, stamp, topics = datetime.now(UTC).isoformat(), secrets.token_hex(8), self._topics

        def told(result: CentralinoError | None) -> None:
            if isinstance(result, CentralinoError):
                self._facts, self._is_unkept = None, True

        self._records.do(
            lambda c: monitoring.note(
                c,
                lambda before: mqtt_messages.merged_facts(before, facts, settled=settled),
                lambda before, after: mqtt_messages.fact_differences(before, after, topics),
                at,
                stamp,
            ),
            told,
        )

    def _look_for_more(self, connection: sqlite3.Connection) -> None:
        """Wake the fleet's thread after a new event; in the database thread."""
        last = monitoring.last(connection)
        if last != self._seen:
            self._seen = last
            self._sender.wake()

    def _written(self, event: FleetEvent) -> MqttMessage:
        """Format an event for the broker; callers' numbers only as configured (P7)."""
        directory, plan = self._directory(), self._office.outgoing.plan

        def hidden(number: str) -> str:
            return privacy.mask_declared(number, directory, plan)

        full = self._mqtt.callers == CallerNumbers.FULL
        return mqtt_messages.event_message(self._mqtt.prefix, event, hidden if full else None)

    def _heard(self, health: BrokerHealth) -> None:
        """Keep the state of the link; in the fleet's thread."""
        if self._health.connected and not health.connected:
            self._away_since = time.monotonic()
        self._health = health
        self._say()

    def _say(self) -> None:
        self._collector.mqtt = status_text.row(self._where, self._health)
        self._collector.mqtt_said = (status_text.broker_words(self._where, self._health),)

    def _discovery(self, settings: Settings) -> tuple[MqttMessage, ...]:
        """Return the discovery message for Home Assistant, () if not configured."""
        if not settings.mqtt.home_assistant:
            return ()
        lines = tuple((line.name, line.label or line.name) for line in settings.lines)
        phones = tuple((one.name, one.label or one.name) for one in settings.phones)
        prefix, site = settings.mqtt.prefix, settings.site
        device = mqtt_messages.HomeDevice(prefix, site.name, lines, phones, site.languages[0])
        return (mqtt_messages.discovery_message(device),)


def fleet_of(
    settings: Settings,
    office: Office,
    records: DatabaseWriter,
    collector: StatusCollector,
    directory: Callable[[], Directory],
    status: Callable[[], Status],
) -> Fleet | None:
    """Make the publisher, None without a broker; before the database thread starts."""
    broker = broker_of(settings.mqtt)
    if broker is None:
        return None
    return Fleet(broker, settings, office, records, collector, directory, status)


def known_of(collector: StatusCollector) -> tuple[KnownTrouble, ...]:
    """Return the troubles that may leave the appliance, each by its stable code."""
    found = [KnownTrouble(one.code, one.words) for one in collector.coded()]
    return (
        *([KnownTrouble("configuration", MISCONFIGURED)] if collector.is_misconfigured else []),
        *found,
    )


# Prometheus. Where `[metrics]` is off nothing is gathered, and the library is never loaded. The
# deciding thread makes one frozen value a second; counts from the disk come from the database
# thread.

log = logging.getLogger(__name__)

# Greatest age of the figures (s).
LOOK_S: Final = 1.0
# Seconds between two counts of what is on the disk.
STORED_S: Final = 15.0
METRICS_STOP_LIMIT_S: Final = 3.0
CODE: Final = "metrics"
ENDED: Final = Trouble(
    "metrics.ended",
    _(
        "The figures for Prometheus are served no more because of a fault in the "
        "programme: the service must restart when the lines are idle."
    ),
    restart=True,
)


class MetricsGatherer:
    """Gatherer and server of figures; the main loop calls `look` each turn, it never waits."""

    def __init__(
        self,
        settings: Settings,
        call_control: CallControl,
        stores: Stores,
        collector: StatusCollector,
        phones: Callable[[], PhonesStatus],
        is_ready: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        update: Callable[[], UpdateRecord] = UpdateRecord,
    ) -> None:
        self._update = update
        self._call_control, self._stores, self._collector = call_control, stores, collector
        self._phones, self._is_ready, self._clock = phones, is_ready, clock
        self._state = Path(settings.folders.state)
        self._folder = settings.backup.folder
        self._where = (settings.metrics.listen, settings.metrics.port)
        self._counts = MetricCounters()
        self._stored = NOTHING_STORED
        self._started_at = time.time()
        self._image = running_version() if is_image() else ""
        self._look_at = self._count_at = 0.0
        self.server: MetricsServer | None = None
        if settings.metrics.listen:
            self.server = MetricsServer(
                self._where, networks_of(settings.metrics), _load_page, self._tell, self._failed
            )
            stores.on_call = lambda record: self._counts.call(record, clock())
            call_control.on_health = self._hear_health

    def start(self) -> None:
        """Start serving, if configured."""
        if self.server:
            self.server.start()

    def stop(self) -> None:
        """Stop serving."""
        if self.server:
            with contextlib.suppress(CentralinoError):
                self.server.stop(METRICS_STOP_LIMIT_S)

    @property
    def beat_at(self) -> float:
        """When the server's thread last turned (monotonic s); now if there is none."""
        return self.server.beat_at if self.server else self._clock()

    def look(self) -> None:
        """Gather the figures, at most once in LOOK_S (s)."""
        now = self._clock()
        if self.server is None or now < self._look_at:
            return
        self._look_at = now + LOOK_S
        if now >= self._count_at:
            self._count_at = now + STORED_S
            self._stores.records.do(self._count, self._counted)
        self.server.latest = self._figures(now)

    def see(self, status: Status) -> None:
        """Count the lines' use by a changed status."""
        if self.server:
            self._counts.lines(status, self._clock())

    def _figures(self, now: float) -> BoxFigures:
        status, collector = self._call_control.status(), self._collector
        self._counts.lines(status, now)
        watched, update = collector.watched, self._update()
        return BoxFigures(
            at=status.at.timestamp(),
            started_at=self._started_at,
            version=appliance.__version__,
            image=self._image,
            ready=self._is_ready(),
            status=status,
            tally=self._counts.tally(now),
            stored=self._stored,
            phones=_phones(self._phones()),
            carrier=_gateway(self._call_control.figures.health),
            troubles=collector.codes(),
            complaints=collector.complaints,
            restarts=tuple(
                (row.part, row.restarts) for row in collector.restarted(self._call_control.now())
            ),
            missed=watched.missed,
            late=watched.unheard + watched.unclosed,
            overdue=watched.overdue,
            backup_at=_backup_at(
                collector.stick, collector.target, collector.night if self._folder else None
            ),
            update=(update.state.value, update.version),
        )

    def _hear_health(self, health: MediaHealth) -> None:
        self._counts.fault(
            {
                "underruns": health.underruns,
                "overruns": health.overruns,
                "lost_packets": health.jitter_lost,
                "dropped_packets": health.jitter_dropped,
                "stuck_writes": health.stuck_writes,
            }
        )

    def _count(self, connection: sqlite3.Connection) -> StoredCounts:
        """Count what waits in the database and the room on the disk; in the database thread."""
        return reports.stored(connection, self._disk())

    def _disk(self) -> tuple[int, int]:
        """Return free and total bytes of the disk, 0 if unknown."""
        try:
            disk = os.statvfs(self._state)
        except OSError:
            return 0, 0
        return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize

    def _counted(self, result: StoredCounts | CentralinoError) -> None:
        if isinstance(result, StoredCounts):
            self._stored = result
        else:
            log.warning("metrics: what waits could not be counted: %s", result)

    def _tell(self, why: Words | None) -> None:
        """Set the trouble that figures are not served, or clear it; from the server's thread."""
        if why is None:
            log.info("metrics: served at %s, port %d", *self._where)
        self._collector.trouble(CODE, _not_served(self._where, why) if why else None)

    def _failed(self, _: BaseException) -> None:
        self._collector.trouble(CODE, ENDED)


def _load_page() -> Callable[[BoxFigures], bytes]:
    """Load the library and return its page function."""
    # Imported here: the library's memory is spent only where metrics are on.
    from appliance.fleet.prometheus_page import metrics_page

    return metrics_page


def _not_served(where: tuple[str, int], why: Words) -> Trouble:
    address, port = where
    return Trouble(
        "metrics.not_served",
        _(
            "The figures for Prometheus are not served at {address}, port {port} "
            "([metrics]): {why}.",
            address=address,
            port=port,
            why=why,
        ),
    )


def _backup_at(
    stick: BackupStick | None, target: BackupTarget | None, night: Night | None
) -> float:
    """Return when a backup last left the card (s since 1970): stick, network, second medium."""
    times = [one.done for one in (stick, target) if one is not None and one.done]
    times += [night.at] if night is not None and night.well else []
    return max((at.timestamp() for at in times), default=0.0)


def _phones(status: PhonesStatus) -> PhoneFigures:
    return PhoneFigures(
        status.listening,
        len(status.phones),
        sum(bool(phone.address) for phone in status.phones),
        sum(bool(phone.address) and phone.answers for phone in status.phones),
    )


def _gateway(health: MediaHealth | None) -> GatewayFigures | None:
    if health is None:
        return None
    late = (health.late_p50, health.late_p99, health.late_max)
    p50, p99, most = (ms / 1000 for ms in late)
    return GatewayFigures(p50, p99, most, health.lead_min / 1000)
