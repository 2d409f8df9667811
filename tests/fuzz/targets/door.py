"""The desk's door: any line is answered or ends the visit; the desk that answers stays well."""

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
from appliance.api.protocol import Reply
from appliance.api.requests import RequestCommands
from appliance.api.users import UserCommands
from appliance.calls import orders
from appliance.config.schema import Retention
from appliance.errors import CentralinoError
from appliance.paper.document import Letterhead
from appliance.policy.clock import Now
from appliance.policy.directory import ReturnRule
from appliance.policy.opening import ServiceState
from appliance.service.announcements import Dictations
from appliance.service.clock import ClockWatch
from appliance.service.command_table import CommandTable
from appliance.service.live_policy import LiveDirectory, LiveHours
from appliance.service.mailroom import NOBODY, Papers
from appliance.service.reports import Figures
from appliance.service.status import StatusCollector
from appliance.service.stores import state_from_json, state_to_json
from appliance.service.supervision import Recoveries
from appliance.store import database, voicemail
from appliance.store.database import database_path
from appliance.store.requests import NO_MAILS
from tests.calls.desk import TEN, up
from tests.policy.test_appointments import TUESDAYS
from tests.policy.town import declaration, with_declarations
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
class Desk:
    """A desk that decides at a fixed moment; what it keeps over a restart must be readable."""

    switchboard: Any = field(default_factory=up)
    figures: Figures = field(default_factory=Figures)
    clock: ClockWatch = field(default_factory=ClockWatch)

    def now(self) -> Now:
        """Say what time it is."""
        return TEN

    @property
    def register(self) -> Any:
        """The register of offices in force."""
        return self.switchboard.register

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
        self.register = LiveDirectory(records, Path("register.key"), _ignore, _ignore)
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
    return house_settings("/proc/nowhere"), EXAMPLE.zone


class Phones:
    """Stands for the phones: none is there."""

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked of their list."""
        asked = (
            "phones", "phone_add", "phone_renew", "phone_label", "phone_remove", "phone_back",
            "phones_serve", "phones_serve_end",
        )  # fmt: skip
        return dict.fromkeys(asked, lambda _: {})

    def rows(self) -> list[dict[str, Any]]:
        """No phone."""
        return []

    def renewed(self) -> Reply:
        """Passwords were renewed."""
        return {"said": "known"}


class Plant:
    """Stands for the installation: nothing is installed."""

    @property
    def jobs(self) -> Any:
        """Nothing runs, and nothing begins."""
        return SimpleNamespace(
            told=lambda _: {"running": "", "last": {}},
            hand_over=lambda *given: given[-1]({}),
        )

    @property
    def known(self) -> dict[str, Any]:
        """Name what may be asked."""
        return {
            "plant": lambda _: {"lines": []},
            "led_test": lambda _: {},
            "divert": lambda _: {},
            "divert_prove": lambda _: {},
            "line_restart": lambda _: {},
            "settings": lambda _: {"sections": [], "complaint": {"it": "", "en": ""}},
            "chores": lambda _: {"running": "", "last": {}},
            "config_check": lambda _: {},
            "backup_make": lambda _: {},
            "backup_check": lambda _: {},
            "backup_fetch": lambda _: {},
            "backup_drop": lambda _: {},
            "backup_restore": lambda _: {},
            **dict.fromkeys(
                (
                    "backup_stick",
                    "backup_stick_set_up",
                    "backup_stick_forget",
                    "backup_target",
                    "backup_target_write",
                    "backup_target_look",
                    "backup_target_set_up",
                ),
                lambda _: {},
            ),
            "restoring": lambda _: {},
            "updates": lambda _: {},
            "update_install": lambda _: {},
            "update_start": lambda _: {},
            "update_back": lambda _: {},
            "update_give_up": lambda _: {},
        }


OFFERING = with_declarations(replace(declaration(), slots=TUESDAYS))


class Mailroom:
    """Stands for the mail: every office may be asked for everything, none offers slots."""

    def rules(self, *_: object) -> tuple[ReturnRule, ...]:
        """Both."""
        return tuple(ReturnRule)

    def diary(self, *_: object) -> None:
        """No slots."""

    def house(self) -> Any:
        """A house whose calendar has its hours, with an office that offers some of its own."""
        return SimpleNamespace(calendar=EXAMPLE.switchboard.schedule, register=OFFERING)

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
    return ErasureCommands(house_settings(folder), stores, _now)


def house_settings(folder: str) -> Any:
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
    stores: Any, folder: str, desk: Any, collector: StatusCollector
) -> tuple[CommandTable, Any]:
    """Return all that may be asked, over stand-ins for the desk's parts, and its gate."""
    tried = Recoveries(Path(folder) / "asked", Path(folder) / "done", _now)
    mailroom: Any = Mailroom()
    records: Any = stores
    requests = RequestCommands(records, mailroom, _now)
    asked: Any = (
        desk,
        stores,
        collector,
        *settings_and_zone(),
        tried,
        Phones(),
        requests,
        erasures(stores, folder),
        (own := users(stores, folder)),
        Plant(),
    )
    return CommandTable(*asked), own.rights


def run(data: bytes) -> None:
    """Send everything at once; then the desk still tells its state."""
    stores, folder = _stores()
    selector, desk, collector = selectors.DefaultSelector(), Desk(), StatusCollector()
    path = Path(folder.name) / "desk.sock"
    questions, gate = asked_of(stores, folder.name, desk, collector)
    door = ControlSocket(path, selector, questions, Watchers(questions.watched), gate)
    try:
        answers = _visit(path, selector, data)
        assert all(isinstance(answer["ok"], bool) for answer in answers)
        assert _visit(path, selector, b'{"ask":"status"}\n')[-1]["ok"] is True
        collector.words(desk.status())
    finally:
        door.close()
        selector.close()


def _visit(path: Path, selector: selectors.BaseSelector, data: bytes) -> list[dict[str, Any]]:
    """Say something at the door and leave; returns what was answered."""
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
