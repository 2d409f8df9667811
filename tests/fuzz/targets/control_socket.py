"""The control socket: any line is answered or ends the session; call control stays well."""

from __future__ import annotations

import contextlib
import functools
import json
import selectors
import socket
import sqlite3
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from appliance.api.control_socket import ControlSocket, Watchers
from appliance.api.privacy import ErasureCommands
from appliance.api.protocol import handlers_of
from appliance.api.requests import RequestCommands
from appliance.api.technician_replies import JobsReply
from appliance.api.users import UserCommands
from appliance.calls import orders
from appliance.config.schema import Retention
from appliance.errors import CentralinoError
from appliance.paper.document import Letterhead
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.opening import ServiceState
from appliance.service.announcements import Dictations
from appliance.service.backup_uploads import TargetCommands
from appliance.service.clock import ClockWatch
from appliance.service.command_table import CommandTable
from appliance.service.live_policy import LiveDirectory, LiveHours
from appliance.service.mailroom import NOBODY, Papers
from appliance.service.reports import DivertCommands, Figures
from appliance.service.status import StatusCollector
from appliance.service.stores import state_from_json, state_to_json
from appliance.service.supervision import Recoveries
from appliance.service.technician_commands import (
    JobCommands,
    LineRestarts,
    RestoreCommands,
    SystemCommands,
)
from appliance.service.updates import UpdateCommands
from appliance.store import database, voicemail
from appliance.store.database import database_path
from appliance.store.requests import NO_MAILS
from tests.calls.examples import TEN, up
from tests.policy.small_directory import declaration, with_declarations
from tests.policy.test_requests_appointments import TUESDAYS
from tests.store.samples import a_call, a_message
from tests.stories.offices import EXAMPLE

TOKENS = (
    b'{"ask":"new_request","rule":"email","unit":"a","name":"A","phone":"1","subject":"s",',
    b'"prefers":"phone","by":"op1"}\n',
    b'{"ask":"request_step","step":"remind","number":1,"words":"w","by":"op1"}\n',
    b'{"ask":"outbox_drop","number":1,"by":"op1","reason":"r"}\n', b'"appointment"', b'"starts":',
    b'{"ask":"status"}\n', b'{"ask":"watch"}\n',
    b'{"ask":"SetUnattended","on":true,"by":"op1","until":null}\n',
    b'"SetClosed"', b'"SetAllAbsent"', b'"until":"2027-01-01T10:00:00+01:00"',
    b"2027-01-01T10:00:00", b"9999-12-31T23:59:59-14:00", b'"close_message"', b'"name":"1"',
    b'"at":"2026-11-25T10:00:00+01:00"', b'"outcome":"done"', b'"note":"', b"\\ud800",
    b"\\u0000", b'"register_changed"',
    b'"NoteSheet"', b'"sheet":"imu"', b'"position":"op1"', b'"call":"c1"',
    b'{"ask":"erase","by":"op1","reason":"r","number":"051234567"}\n', b'"preview":true',
    b'{"ask":"user_add","by":"a","name":"b","shown":"B","roles":["head"],"password":"$argon2id$"}\n',
    b'{"ask":"first_user","code":"A","name":"b","shown":"B"}\n', b'"user_change"',
    b'"disabled":true', b'"user_password"', b'"proof":""', b'"close_requests":true',
    b'{"ask":"hand_over","by":"a","to":"","items":["message:1","request:1"]}\n',
    b'"message":"1"', b'"person":""', b'"person":"anna"', b"[[[[", b"1e999", b'"figures"', b"\n",
)  # fmt: skip


@dataclass
class CallControlStub:
    """Call control that decides at a fixed moment; what it keeps must be readable."""

    switchboard: Any = field(default_factory=up)
    figures: Figures = field(default_factory=Figures)
    clock: ClockWatch = field(default_factory=ClockWatch)

    def now(self) -> Now:
        """Say what time it is."""
        return TEN

    @property
    def directory(self) -> Any:
        """The directory of offices in force."""
        return self.switchboard.directory

    @property
    def service(self) -> Any:
        """The manual states as they are kept."""
        return self.switchboard.service

    @property
    def office(self) -> Any:
        """The office, with the hours in force."""
        return self.switchboard.office

    def status(self) -> Any:
        """Say what people see."""
        return self.switchboard.status(TEN)

    def offered(self) -> Any:
        """List every office and need."""
        return self.switchboard.offered(TEN)

    def refusal_of(self, request: Any) -> Any:
        """Say why what is asked of the manual states is refused."""
        return self.switchboard.refusal_of(request)

    def answer_to(self, request: Any) -> Any:
        """Say why a transfer would not be carried out."""
        return self.switchboard.answer_to(request, TEN)

    def answer_about_head(self, request: Any) -> Any:
        """Say why the head would not be brought in."""
        return self.switchboard.answer_about_head(request, TEN)

    def about_phone(self, request: Any) -> Any:
        """Decide on a command for the phone of a position."""
        return self.switchboard.about_phone(request, TEN)

    def why_no_ring(self, phone: str) -> Any:
        """Say why a phone cannot ring for a try."""
        return self.switchboard.why_no_ring(phone)

    def call_for(self, request: Any) -> Any:
        """Name the call that a transfer, or the head, is asked for."""
        return self.switchboard.call_for(request)

    def post(self, event: Any) -> None:
        """Hear one fact, from any thread."""
        self.fact(event)

    def fact(self, event: Any) -> None:
        """Hear one fact."""
        for order in self.switchboard.handle(event, TEN):
            if isinstance(order, orders.SaveServiceState):
                assert isinstance(order.state, ServiceState)
                assert (
                    state_from_json(json.loads(json.dumps(state_to_json(order.state))))
                    == order.state
                )


class Stores:
    """Records and mailbox; a job that raises what the worker does not expect ends it."""

    def __init__(self, folder: Path) -> None:
        self.records = self.mailbox = self.spoken = self
        self.connection = sqlite3.connect(database_path(folder), isolation_level=None)
        self.connection.execute("PRAGMA synchronous = OFF")  # no question asks for a power cut
        self.connection.row_factory = sqlite3.Row
        database.migrate(self.connection)
        voicemail.insert_message(self.connection, a_message(), a_call(), "boot")
        records: Any = self
        self.letters = NO_MAILS
        self.folder, self.site = folder / "spoken", None
        self.directory = LiveDirectory(records, Path("register.key"), _ignore, _ignore)
        self.hours = LiveHours(records, _ignore, _ignore)
        self.dictations = Dictations(folder / "drafts", records, _ignore)

    def called_back(self, asked: object) -> None:
        """Who asks is remembered."""

    def do(self, job: Any, done: Any) -> None:
        """Do a job at once, as the worker's thread does."""
        try:
            result = job(self.connection)
        except (CentralinoError, sqlite3.Error, OSError) as error:
            result = CentralinoError(str(error))
        done(result)

    def load(self, told: Any) -> None:
        """Read the spoken sheets: there is none."""
        told(())

    def recount(self) -> None:
        """A message was closed."""

    def on_care(self) -> None:
        """Somebody dealt with something."""

    def forget_numbers(self, numbers: tuple[str, ...]) -> None:
        """Numbers were erased."""


def _ignore(*_: object) -> None:
    """Take what nobody asked for."""


def settings_and_zone() -> tuple[Any, ZoneInfo]:
    """Return what stands for the configuration: an office in Rome."""
    return console_settings_of("/proc/nowhere"), EXAMPLE.zone


class Phones:
    """Stands for the phones: none is there."""

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked of their list."""
        asked = (
            "phones", "phone_add", "phone_renew", "phone_label", "phone_remove", "phone_back",
            "phones_serve", "phones_serve_end", "phones_renewed",
        )  # fmt: skip
        return dict.fromkeys(asked, lambda _: {})

    def rows(self) -> list[dict[str, Any]]:
        """No phone."""
        return []


PLANT = (
    DivertCommands, JobCommands, LineRestarts, RestoreCommands, SystemCommands, TargetCommands,
    UpdateCommands,
)  # fmt: skip


class SystemStub:
    """Stands for the installation: nothing is installed."""

    @property
    def jobs(self) -> Any:
        """Nothing runs, and nothing begins."""
        return SimpleNamespace(
            told=lambda _: JobsReply("", {}),
            hand_over=lambda *given: given[-1]({}),
        )

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked."""
        declared = (name for kind in PLANT for name in handlers_of(kind.__new__(kind)))
        given: dict[str, Any] = {
            "plant": {"lines": []},
            "settings": {"sections": [], "complaint": {"it": "", "en": ""}},
            "chores": {"running": "", "last": {}},
        }
        return {name: lambda _, name=name: given.get(name, {}) for name in declared}


OFFERING = with_declarations(replace(declaration(), slots=TUESDAYS))


class Mailroom:
    """Stands for the mail: every office may be asked for everything, none offers slots."""

    def rules(self, *_: object) -> tuple[ReturnRule, ...]:
        """Both."""
        return tuple(ReturnRule)

    def diary(self, *_: object) -> None:
        """No slots."""

    def sender(self) -> Any:
        """A house whose calendar has its hours, with an office that offers some of its own."""
        return SimpleNamespace(calendar=EXAMPLE.switchboard.schedule, directory=OFFERING)

    def wake(self, hurry: bool) -> None:
        """Something was queued."""

    @property
    def papers(self) -> Papers:
        """What writes papers, for a house without a sender."""
        plan, nowhere = EXAMPLE.outgoing.plan, Path("/nowhere")
        head = Letterhead("Comune di Prova", (), "it", EXAMPLE.zone)
        return Papers(head, NOBODY, "", nowhere, plan, {})


@functools.cache
def _stores() -> tuple[Stores, tempfile.TemporaryDirectory[str]]:
    """Make stores and a folder once: they take longer than a question."""
    folder = tempfile.TemporaryDirectory(prefix="centralino-fuzz-")
    return Stores(Path(folder.name)), folder


def _now() -> datetime:
    return datetime.now(UTC)


def erasures(stores: Any, folder: str) -> ErasureCommands:
    """Answer what is asked about erasing, over stores that stand for the real ones."""
    return ErasureCommands(console_settings_of(folder), stores, _now)


def console_settings_of(folder: str) -> Any:
    """Return what is configured, as far as these questions ask."""
    site = SimpleNamespace(country="it", zone="Europe/Rome", languages=("it",))
    none, folders = SimpleNamespace(rehearsal=False), SimpleNamespace(state=folder, run=folder)
    return SimpleNamespace(
        site=site,
        folders=folders,
        lines=(),
        outgoing=none,
        retention=Retention(),
        backup=SimpleNamespace(folder="", target=""),
    )


def users(stores: Any, folder: str) -> UserCommands:
    """Answer what is asked about users, over stores that stand for the real ones."""
    phones = (SimpleNamespace(name="op1"),)
    settings: Any = SimpleNamespace(folders=SimpleNamespace(state=folder), phones=phones)
    return UserCommands(settings, stores, lambda: TEN)


def asked_of(
    stores: Any, folder: str, control: Any, collector: StatusCollector
) -> tuple[CommandTable, Any]:
    """Return all that may be asked, over stand-ins for call control's parts, and its gate."""
    tried = Recoveries(Path(folder) / "asked", Path(folder) / "done", _now)
    mailroom: Any = Mailroom()
    records: Any = stores
    requests = RequestCommands(records, mailroom, _now)
    asked: Any = (
        control,
        stores,
        collector,
        *settings_and_zone(),
        tried,
        Phones(),
        requests,
        erasures(stores, folder),
        (own := users(stores, folder)),
        SystemStub(),
    )
    return CommandTable(*asked), own.rights


def run(data: bytes) -> None:
    """Send everything at once; then call control still tells its state."""
    stores, folder = _stores()
    selector, control, collector = selectors.DefaultSelector(), CallControlStub(), StatusCollector()
    path = Path(folder.name) / "desk.sock"
    questions, gate = asked_of(stores, folder.name, control, collector)
    served = ControlSocket(path, selector, questions, Watchers(questions.watched), gate)
    try:
        answers = _visit(path, selector, data)
        assert all(isinstance(answer["ok"], bool) for answer in answers)
        assert _visit(path, selector, b'{"ask":"status"}\n')[-1]["ok"] is True
        collector.words(control.status())
    finally:
        served.close()
        selector.close()


def _visit(path: Path, selector: selectors.BaseSelector, data: bytes) -> list[dict[str, Any]]:
    """Say something at the control socket and leave; returns what was answered."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        visitor.sendall(data)
        visitor.shutdown(socket.SHUT_WR)
        for _ in range(3):  # arrive, speak, leave
            for key, _mask in selector.select(0):
                key.data()
        said = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while piece := visitor.recv(65_536):
                said += piece
    return [json.loads(line) for line in said.splitlines()]
