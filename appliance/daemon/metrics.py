"""The box's figures for Prometheus: gathered here once a second, told by a thread of their own.

Where `[metrics]` is off nothing is gathered, and the library is never loaded. The deciding thread
makes one frozen value a second; what the disk says comes from the records' thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import appliance
from appliance.config.build import networks_of
from appliance.daemon.update_box import is_image, running
from appliance.errors import CentralinoError
from appliance.fleet.prometheus import Carrier, Counts, Figures, Phones, Server
from appliance.policy.reports import NOTHING_STORED, Stored
from appliance.policy.text import Words
from appliance.store import reports
from appliance.store.database import Trouble

if TYPE_CHECKING:
    import sqlite3

    from appliance.calls.status import Status
    from appliance.config.schema import Settings
    from appliance.daemon.backup_stick import Stick
    from appliance.daemon.backup_target import Target
    from appliance.daemon.desk import Desk
    from appliance.daemon.lookout import Lookout
    from appliance.daemon.night import Night
    from appliance.daemon.stores import Stores
    from appliance.media.messages import Health
    from appliance.sip.phones import PhonesStatus

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Figures are at most so old."""
STORED_S: Final = 15.0
"""What lies on the disk is counted so often."""
STOP_LIMIT_S: Final = 3.0
CODE: Final = "metrics"
ENDED: Final = Trouble(
    "metrics.ended",
    "Le misure per Prometheus non si leggono più per un errore del programma: il servizio va "
    "riavviato a linee libere.",
    "The figures for Prometheus are served no more because of a fault in the programme: the "
    "service must restart when the lines are idle.",
    restart=True,
)


class Metrics:
    """Gathers and serves; `look` is called by the main loop at every turn and never waits."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        stores: Stores,
        lookout: Lookout,
        phones: Callable[[], PhonesStatus],
        is_ready: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._stores, self._lookout = desk, stores, lookout
        self._phones, self._is_ready, self._clock = phones, is_ready, clock
        self._state = Path(settings.folders.state)
        self._folder = settings.backup.folder
        self._where = (settings.metrics.listen, settings.metrics.port)
        self._counts = Counts()
        self._stored = NOTHING_STORED
        self._started_at = time.time()
        self._image = running() if is_image() else ""
        self._look_at = self._count_at = 0.0
        self.server: Server | None = None
        if settings.metrics.listen:
            self.server = Server(
                self._where, networks_of(settings.metrics), _load_page, self._tell, self._failed
            )
            stores.on_call = lambda record: self._counts.call(record, clock())
            desk.on_health = self._hear_health

    def start(self) -> None:
        """Start to serve, where that is wanted."""
        if self.server:
            self.server.start()

    def stop(self) -> None:
        """Stop serving."""
        if self.server:
            with contextlib.suppress(CentralinoError):
                self.server.stop(STOP_LIMIT_S)

    @property
    def beat_at(self) -> float:
        """When the thread last turned (monotonic s); now, where there is none."""
        return self.server.beat_at if self.server else self._clock()

    def look(self) -> None:
        """Gather the figures, unless that was done within the last second."""
        now = self._clock()
        if self.server is None or now < self._look_at:
            return
        self._look_at = now + LOOK_S
        if now >= self._count_at:
            self._count_at = now + STORED_S
            self._stores.records.do(self._count, self._counted)
        self.server.latest = self._figures(now)

    def see(self, status: Status) -> None:
        """Look at the lines: people see something new."""
        if self.server:
            self._counts.lines(status, self._clock())

    # --- gathering ---------------------------------------------------------------------------

    def _figures(self, now: float) -> Figures:
        status, lookout = self._desk.status(), self._lookout
        self._counts.lines(status, now)
        watched = lookout.watched
        return Figures(
            at=status.at.timestamp(),
            started_at=self._started_at,
            version=appliance.__version__,
            image=self._image,
            ready=self._is_ready(),
            status=status,
            tally=self._counts.tally(now),
            stored=self._stored,
            phones=_phones(self._phones()),
            carrier=_carrier(self._desk.figures.health),
            troubles=lookout.codes(),
            complaints=lookout.complaints,
            restarts=tuple(
                (str(row["part"]), int(row["restarts"]))
                for row in lookout.restarted(self._desk.now())
            ),
            missed=watched.missed,
            late=watched.unheard + watched.unclosed,
            overdue=watched.overdue,
            backup_at=_backup_at(
                lookout.stick, lookout.target, lookout.night if self._folder else None
            ),
        )

    def _hear_health(self, health: Health) -> None:
        self._counts.fault(
            {
                "underruns": health.underruns,
                "overruns": health.overruns,
                "lost_packets": health.jitter_lost,
                "dropped_packets": health.jitter_dropped,
                "stuck_writes": health.stuck_writes,
            }
        )

    def _count(self, connection: sqlite3.Connection) -> Stored:
        """Count what waits and what room there is; in the records' thread."""
        return reports.stored(connection, self._disk())

    def _disk(self) -> tuple[int, int]:
        """Return the free and all bytes of the disk, 0 where it does not say."""
        try:
            disk = os.statvfs(self._state)
        except OSError:
            return 0, 0
        return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize

    def _counted(self, result: Stored | CentralinoError) -> None:
        if isinstance(result, Stored):
            self._stored = result
        else:
            log.warning("metrics: what waits could not be counted: %s", result)

    # --- what goes wrong ---------------------------------------------------------------------

    def _tell(self, why: Words | None) -> None:
        """Tell, or (None) take back, why nobody can read the figures; from the server's thread."""
        if why is None:
            log.info("metrics: served at %s, port %d", *self._where)
        self._lookout.trouble(CODE, _not_served(self._where, why) if why else None)

    def _failed(self, _: BaseException) -> None:
        self._lookout.trouble(CODE, ENDED)


def _load_page() -> Callable[[Figures], bytes]:
    """Load the library, which only a box that is watched needs."""
    from appliance.fleet.prometheus_page import page

    return page


def _not_served(where: tuple[str, int], why: Words) -> Trouble:
    address, port = where
    return Trouble(
        "metrics.not_served",
        f"Le misure per Prometheus non si leggono a {address}, porta {port} ([metrics]): {why.it}.",
        f"The figures for Prometheus are not served at {address}, port {port} ([metrics]): "
        f"{why.en}.",
    )


def _backup_at(stick: Stick | None, target: Target | None, night: Night | None) -> float:
    """Return when a backup last left the card: onto the stick, the network or second medium."""
    times = [one.done for one in (stick, target) if one is not None and one.done]
    times += [night.at] if night is not None and night.well else []
    return max((at.timestamp() for at in times), default=0.0)


def _phones(status: PhonesStatus) -> Phones:
    return Phones(
        status.listening,
        len(status.phones),
        sum(bool(phone.address) for phone in status.phones),
        sum(bool(phone.address) and phone.answers for phone in status.phones),
    )


def _carrier(health: Health | None) -> Carrier | None:
    if health is None:
        return None
    late = (health.late_p50, health.late_p99, health.late_max)
    p50, p99, most = (ms / 1000 for ms in late)
    return Carrier(p50, p99, most, health.lead_min / 1000)
