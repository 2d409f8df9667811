"""Figures are gathered only where somebody reads them, once a second, and never waited for."""

from __future__ import annotations

import queue
import socket
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from appliance.calls.status import Status
from appliance.config import read
from appliance.config.schema import Folders, Settings
from appliance.config.schema import Metrics as MetricsSettings
from appliance.policy.clock import Now
from appliance.policy.supervision import MediaHealth
from appliance.service.backup import BackupStick
from appliance.service.backup_target import BackupTarget
from appliance.service.monitoring import MetricsGatherer
from appliance.service.reports import Figures as CallControlFigures
from appliance.service.status import StatusCollector
from appliance.service.stores import Stores
from appliance.sip.phones import PhonesStatus
from appliance.store.database import Trouble
from tests.fleet.samples import AT, ended, status_of

EXAMPLE = read.load(Path(read.__file__).with_name("example.toml"))
HOST = "127.53.11.1"


@dataclass
class CallControlStub:
    """What is asked of call control: its status, its figures, the time."""

    figures: CallControlFigures
    asked: int = 0
    on_health: Any = None

    def status(self) -> Status:
        """Return the town's."""
        self.asked += 1
        return status_of()

    def now(self) -> Now:
        """Say what time it is."""
        return Now(1.0, AT)


class Heard(StatusCollector):
    """A collector that says when it was told of something."""

    def __init__(self) -> None:
        super().__init__()
        self.told: queue.SimpleQueue[Trouble | None] = queue.SimpleQueue()

    def trouble(self, what: str, trouble: Trouble | None) -> None:
        """Hear."""
        super().trouble(what, trouble)
        self.told.put(trouble)


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Say what time it is."""
        return self.now


def made(
    folder: Path, metrics: MetricsSettings, clock: Clock | None = None
) -> tuple[MetricsGatherer, CallControlStub, Stores, Heard]:
    """Make the part as a box of this configuration does; its stores do not run."""
    folders = Folders(state=str(folder), run=str(folder))
    settings: Settings = replace(EXAMPLE, metrics=metrics, folders=folders)
    collector, control = Heard(), CallControlStub(CallControlFigures())
    stores = Stores(folder, "b", lambda _: None, collector.trouble)
    ends: tuple[Any, ...] = (
        control,
        stores,
        collector,
        PhonesStatus,
        lambda: True,
        clock or Clock(),
    )
    part = MetricsGatherer(settings, *ends)
    return part, control, stores, collector


def test_where_it_is_off_nothing_is_gathered(tmp_path: Path) -> None:
    """No thread, no socket, no question to anybody: nobody pays for what nobody reads."""
    part, control, stores, collector = made(tmp_path, MetricsSettings())
    part.start()
    part.look()
    part.see(status_of())
    stores.on_call(ended("a"))
    part.stop()
    assert control.asked == 0
    assert control.on_health is None
    assert collector.troubles() == ()


def test_figures_are_gathered_once_a_second(tmp_path: Path) -> None:
    """However often the main loop turns; what is told of lines, calls and sound is counted."""
    clock = Clock()
    part, control, stores, _ = made(tmp_path, MetricsSettings(HOST), clock)
    server = part.server
    assert server is not None
    for _ in range(5):
        part.look()
    first = server.latest
    assert first is not None
    assert control.asked == 1
    stores.on_call(ended("a"))
    control.on_health(MediaHealth(50, 0.1, 0.4, 2.0, 41.0, underruns=2))
    clock.now += 1.0
    part.look()
    later = server.latest
    assert later is not None
    assert first.tally.calls["in", "answered"] == 0
    assert later.tally.calls["in", "answered"] == 1
    assert later.tally.faults["underruns"] == 2


def test_the_last_backup_that_has_left_the_card(tmp_path: Path) -> None:
    """0 for never; the latest one of stick and network folder, not a try that failed."""
    clock = Clock()
    part, _, _, collector = made(tmp_path, MetricsSettings(HOST), clock)
    server = part.server
    assert server is not None

    def told() -> float:
        clock.now += 1.0
        part.look()
        assert server.latest is not None
        return server.latest.backup_at

    assert told() == 0.0
    collector.stick = BackupStick("AB-12", "COPIE", "b", AT, AT - timedelta(days=2), AT, False)
    assert told() == (AT - timedelta(days=2)).timestamp()
    collector.target = BackupTarget(
        "sftp://c@h/x", "k", "a1b2", "b", AT, AT - timedelta(days=1), AT, False
    )
    assert told() == (AT - timedelta(days=1)).timestamp()
    collector.target = replace(collector.target, done=None)
    assert told() == (AT - timedelta(days=2)).timestamp()


def test_what_lies_on_the_disk_comes_later(tmp_path: Path) -> None:
    """The records' thread counts: until it has, and where the disk stalls, nobody waits."""
    clock = Clock()
    part, _, stores, _ = made(tmp_path, MetricsSettings(HOST), clock)
    server = part.server
    assert server is not None
    part.look()
    assert server.latest is not None
    assert server.latest.stored.disk_size == 0
    stores.records.start()
    stores.records.ask(lambda _: None)
    clock.now += 1.0
    part.look()
    assert server.latest.stored.disk_size > server.latest.stored.disk_free > 0
    stores.records.stop()


def test_an_address_of_another_box_is_a_trouble(tmp_path: Path) -> None:
    """Said on the technician's page, with where and what to do; calls go on."""
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        part, _, _, collector = made(tmp_path, MetricsSettings(HOST, port))
        part.start()
        assert collector.told.get(timeout=20.0) is not None
        part.stop()
    (said,) = collector.troubles()
    assert f"at {HOST}, port {port} ([metrics]): another program" in said.text("en")
    assert f"a {HOST}, porta {port} ([metrics]): un altro" in said.text("it")
    assert collector.codes() == ("metrics.not_served",)
