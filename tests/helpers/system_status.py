"""What answers the technician's questions, over a configuration and stand-ins for what runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from appliance.api.technician_commands import ShowSystem
from appliance.calls.switchboard import Switchboard
from appliance.config import read
from appliance.media.messages import Snapshot
from appliance.policy.supervision import MediaHealth
from appliance.service.backup_uploads import TargetCommands, UploadSchedule
from appliance.service.jobs import Jobs
from appliance.service.managed_config import ManagedConfigCommands, ManagedConfigFetcher
from appliance.service.reports import DivertCommands
from appliance.service.status import StatusCollector
from appliance.service.supervision import Recoveries
from appliance.service.technician_commands import (
    JobCommands,
    LineRestarts,
    RestoreCommands,
    SystemCommands,
)
from appliance.service.updates import OwnHealth, UpdateCommands, UpdateRunner
from appliance.sip.phones import PhonesStatus, PhoneState
from appliance.text import NOTHING
from tests.fuzz.targets.control_socket import CallControlStub
from tests.helpers.wire import wire

CONFIG = """\
[site]
name = "Test"
patron = "10-04"
languages = ["it", "en"]
[hours]
[sip]
address = "127.0.15.7"
registrar = { address = "127.0.15.9", user = "box" }
[[lines]]
name = "line1"
port = "/dev/serial/by-path/one"
receive_gain = 130
echo = true
[[lines]]
name = "line2"
port = "/dev/serial/by-path/two"
[[phones]]
name = "op1"
label = "Front desk <1>"
[[phones]]
name = "op2"
[mail]
server = "mail.example"
user = "box"
password_file = "/etc/centralino/mail-secret"
sender = "Comune <comune@example.it>"
[folders]
"""
HEALTH = MediaHealth(3000, 0.1, 0.4, 1.26, 41.0, underruns=1, overruns=2)


@dataclass
class SystemStub:
    """The question's parts, to be changed by a test before it asks."""

    folder: Path
    switchboard: Switchboard
    stores: Any = None
    phones: PhonesStatus = PhonesStatus(
        listening=True,
        address=("127.0.15.7", 5060),
        phones=(
            PhoneState("op1", "Front desk <1>", ("127.0.15.8", 5060)),
            PhoneState("op2", "", None),
        ),
    )
    media_link: Any = field(
        default_factory=lambda: SimpleNamespace(
            connected=True, child=SimpleNamespace(pid=77), snapshot=Snapshot()
        )
    )

    image: bool = False

    def __post_init__(self) -> None:
        path = self.folder / "plant.toml"
        path.write_text(f'{CONFIG}state = "{self.folder}/state"\nrun = "{self.folder}/run"\n')
        self.collector, control = StatusCollector(), CallControlStub(self.switchboard)
        self.recoveries = Recoveries(
            self.folder / "asked",
            self.folder / "answered",
            lambda: datetime(2026, 11, 25, 9, tzinfo=UTC),
        )
        control.figures.health = HEALTH
        stand_in: Any = control
        phones: Any = SimpleNamespace(status=lambda: self.phones)
        self.lit = 0
        self.restarts = LineRestarts(self.stores, stand_in, self.media_link)
        self.jobs, settings = Jobs(path), read.load(path)
        kept: Any = SimpleNamespace(do=lambda *_: None)
        self.updates = UpdateCommands(
            self.stores,
            settings,
            UpdateRunner(settings, kept, self.jobs, self.collector.trouble, lambda: self.image),
            stand_in.status,
            lambda: OwnHealth(60.0, carrier=True, restarts=0),
        )
        self.questions = SystemCommands(
            self.stores,
            settings,
            stand_in,
            self.collector,
            self.recoveries,
            phones,
            self.media_link,
            lambda: self.collector.panel_status(control.status(), self.phones, ready=True),
            self._light,
            jobs := JobCommands(self.stores, settings, NOTHING, self.jobs, control.now),
            (
                self.restarts,
                RestoreCommands(self.stores, settings, jobs, stand_in.status),
                TargetCommands(
                    self.stores,
                    settings,
                    UploadSchedule(settings, kept, self.jobs, self.collector.trouble),
                    control.now,
                ),
                self.updates,
                ManagedConfigCommands(
                    self.stores,
                    ManagedConfigFetcher(settings, kept, self.jobs, self.collector.trouble),
                    jobs,
                ),
                DivertCommands(settings, self.switchboard.office, self.stores, control.now),
            ),
        )

    def _light(self) -> None:
        self.lit += 1

    def ask(self) -> Any:
        """Ask for all of it."""
        return wire(self.questions.asked(ShowSystem()))
