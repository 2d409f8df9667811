"""`centralino dev demo`: four real calls over two simulated lines, followed on the terminal.

Only the copper is simulated: the exchange, the service with its media gateway and three SIP phones
are processes of their own on loopback addresses. The folder is ./demo; free ports are used.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.api import protocol, users
from appliance.api.commands import (
    AddUser,
    CloseOffice,
    Command,
    LoadDirectory,
    ShowStatus,
    UseSheet,
)
from appliance.api.replies import Reply
from appliance.calls.model import LineState
from appliance.commands.directory import Place, take
from appliance.commands.options import control_socket_path, send_with_proof
from appliance.config import address_book_file, phones, read, sheet_file
from appliance.console.accounts import Passwords
from appliance.errors import CentralinoError, OfficeError
from appliance.policy.address_book import house_numbers
from appliance.policy.numbering import HOME_PLAN
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Role, User
from appliance.prompts import OURS
from appliance.service import live_policy
from appliance.simulator.exchange import process
from appliance.simulator.exchange.call import CallPlan, CallReport
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.simulator.phone.process import TestPhone
from appliance.store import call_log, sheets
from appliance.store.database import database_path, open_reader
from appliance.store.policy_change import PolicyChange
from appliance.text import _

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings


# The console as a child process, on a free local port, without TLS.

OPEN_AT: Final = "the console is open at "
CONSOLE_READY_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0


@contextlib.contextmanager
def opened(folder: Path, config: Path) -> Iterator[str]:
    """Run the console and yield its URL; raises TechnicianError if it does not start."""
    journal = folder / "console.log"
    command = [sys.executable, "-m", "appliance", "console", "--http", "--port", "0"]
    with journal.open("w", encoding="utf-8") as log:
        child = subprocess.Popen([*command, "--config", str(config)], stdout=log, stderr=log)
    try:
        yield _address(child, journal)
    finally:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_LIMIT_S)
        child.kill()
        child.wait()


def _address(child: subprocess.Popen[bytes], journal: Path) -> str:
    """Wait for the console's URL in its log and return it."""
    deadline = time.monotonic() + CONSOLE_READY_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        _unused, found, rest = journal.read_text(encoding="utf-8").partition(OPEN_AT)
        if found and rest.endswith("\n"):
            return rest.split()[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise Refused(
        _("the console did not open; {journal} says why", journal=journal),
    )


# The example's lines, open today, with its directory and its sheets.

TEMPLATE = """\
# Written by `centralino dev demo`.
[site]
name = "Comune di Esempio (dimostrazione)"
patron = "10-04"
email = "urp@comune.esempio.it"

[hours]
monday = ["08:30-17:30"]

[[openings]]                    # open all day today, whatever day it is
day = {today}
hours = ["00:00-24:00"]

[[lines]]
name = "line1"
label = "Ordinaria 051 598 111"
called = "051 598 111"
port = "{folder}/lines/line1"
dialect = "conexant"

[[lines]]
name = "line2"
label = "Verde 800 011 837"
called = "800 011 837"
port = "{folder}/lines/line2"
dialect = "conexant"

[sip]
address = "127.0.0.1"
port = {port}
rtp_ports = [{rtp}, {rtp_last}]
laws = ["ulaw", "alaw"]

[[phones]]
name = "op1"
label = "Operatore 1"

[[phones]]
name = "sportello1"
label = "Sportello Cittadini 1"

[[phones]]
name = "ufficio1"
label = "Office (all of them)"

[[phones]]
name = "soft"
label = "Your soft phone"

[switchboard]
phones = ["op1", "soft"]
ring = 8

[citizens_desk]
phones = ["sportello1"]
ring = 15

[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"

[console]
listen = "127.0.0.1"
redirect_port = 0
"""


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS = "".join(f'{day} = ["00:00-24:00"]\n' for day in DAYS)
_BANDS = re.compile(r"(?<=^\[declarations\.bands\]\n)(?:\w+ = \[.*\]\n)+", re.MULTILINE)
_REACH = re.compile(r'^reach = "\w+"\nnumber = ".+"$', re.MULTILINE)
_MOBILE = re.compile(r"^service_mobile = true\n", re.MULTILINE)


def directory_text() -> str:
    """Return the example's directory with offices that take calls at any hour, at one phone."""
    # So that a transfer succeeds also in the evening and without a PBX.
    example = resources.files("appliance.config") / "example_register.toml"
    text = _BANDS.sub(ALWAYS, example.read_text(encoding="utf-8"))
    return _MOBILE.sub("", _REACH.sub('reach = "phone"\nnumber = "ufficio1"', text))


def configuration(folder: Path, port: int, rtp: int, today: date) -> str:
    """Return the demonstration's configuration file."""
    return TEMPLATE.format(
        folder=folder, port=port, rtp=rtp, rtp_last=rtp + 99, today=today.isoformat()
    )


def furnish(config: Path) -> str:
    """Import the example's directory, sheets and address book; return a summary."""
    place = Place(config)
    # The reply comes once the service has created its database.
    protocol.ask(control_socket_path(place.settings), LoadDirectory().arguments(), limit=30.0)
    directory = config.parent / "register.toml"
    directory.write_text(directory_text(), encoding="utf-8")
    merged = take(place, directory, "demo")
    with resources.as_file(resources.files("appliance.config")) as examples:
        given = sheet_file.load_sheets(examples / "example_sheets")
        table = (examples / "example_address_book.csv").read_text(encoding="utf-8")
    house = house_numbers(merged.directory, (), HOME_PLAN)
    book = address_book_file.read_table(
        table, "example_address_book.csv", HEAD.name, place.now().date(), (), house
    )

    def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
        basis, plan = live_policy.policy_version(connection), sheets.planned(connection, given)
        return None, PolicyChange(basis, sheets=plan.written, gone=plan.gone, book=book)

    live_policy.change_policy(place.settings, made)
    protocol.ask(control_socket_path(place.settings), LoadDirectory().arguments(), limit=30.0)
    units, declarations = len(merged.directory.units), len(merged.directory.declarations)
    return (
        f"register: {units} services and offices, {declarations} declarations; "
        f"{len(given)} sheets; {len(book)} other bodies"
    )


# Printed for everybody: the demonstration listens on this computer only.
PHRASE: Final = "mare sole vento"
"""Password of all users."""
OPERATOR: Final = User("operatore", "Olga Operatrice", frozenset({Role.OPERATOR}), position="op1")
HEAD: Final = User("responsabile", "Rita Responsabile", frozenset({Role.HEAD}), position="op1")


def enter(settings: Settings) -> str:
    """Add the users to the running service; return how to log in. Raises OfficeError."""
    state = Path(settings.folders.state)
    for user in (OPERATOR, HEAD):
        wish = AddUser(
            name=user.name,
            shown=user.shown,
            roles=tuple(user.roles),
            position=user.position,
            password=Passwords().hashed(PHRASE),
            # The printed password stays valid.
            must_change=False,
            by="demo",
        )
        send_with_proof(settings, wish)
    users.keep_code(state, is_wanted=False)
    names = " or ".join(user.name for user in (OPERATOR, HEAD))
    return f"Log in there as {names}, password: {PHRASE}"


BOX_READY_LIMIT_S = 20.0
CALL_LIMIT_S = 90.0
CLEAR_LIMIT_S = 10.0
# Long enough for people to see the call on the page.
ANSWERS_AFTER_MS = 6000
"""Ringing time of the operator's phone once the demonstration stays up."""
# Long enough to see the transfer in progress.
OFFICE_ANSWERS_AFTER_MS = 3000
"""Ringing time of the offices' phone."""
PHONES = ("op1", "sportello1", "ufficio1")
"""The operator's phone, the counter's, and the one of all offices."""
FOLDER = Path("demo")
ZONE = ZoneInfo("Europe/Rome")
CALLER_SAYS = OURS / "it" / "please_wait.wav"
OPERATOR_SAYS = OURS / "it" / "state_unattended_off.wav"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the final table."""

    call: str
    way: str
    result: str
    recording: str
    good: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts of a demonstration."""

    folder: Path
    operator: TestPhone
    counter: TestPhone
    office: TestPhone
    seen: set[str] = field(default_factory=set)

    def send(self, command: Command[Reply]) -> None:
        """Send call control a command."""
        protocol.send(self.folder / "run" / "desk.sock", command)


@click.command()
@click.option(
    "--keep", is_flag=True, help="Stay up afterwards, for `centralino dev call` and a soft phone."
)
def demo(keep: bool) -> None:
    """Answer four calls on simulated lines with real processes, then print a table."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(own_folder(FOLDER.resolve()))
        stage = stack.enter_context(staged(folder))
        rows = [play(stage) for play in CALLS]
        _print_table(rows)
        if keep:
            console = stack.enter_context(opened(folder, folder / "centralino.toml"))
            stage.operator.answer_mode("auto", ANSWERS_AFTER_MS)
            _stay(folder, console)
    if not all(row.good for row in rows):
        raise SystemExit(1)


@contextlib.contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """Create the folder anew and lock it; raises SaidError while another demonstration runs."""
    if folder.is_dir():
        # Locked first: a running demonstration's folder stays untouched.
        with _taken(folder):
            shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with _taken(folder):
        yield folder


@contextlib.contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the kernel drops when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise SaidError(
            _(
                "another demonstration runs in {folder}: end it with Ctrl-C, or start one "
                "in another folder",
                folder=folder,
            )
        ) from error


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Start exchange, service and phones; stop them in reverse order."""
    folder.mkdir(parents=True, exist_ok=True)
    # RTP ports are even (RFC 3550, 11).
    port, rtp = _free_udp_port(), _free_udp_port() & ~1
    path = folder / "centralino.toml"
    # The office's day, whatever this machine's zone is.
    today = datetime.now(ZONE).date()
    path.write_text(configuration(folder, port, rtp, today), encoding="utf-8")
    settings = read.load(path)
    keys = {name: f"demo-{name}" for name in (*PHONES, "soft")}
    phones.save_secrets(settings, keys)
    with (
        ExchangeProcess(folder / "lines", 2),
        _daemon(folder, path),
        contextlib.ExitStack() as stack,
    ):
        operator, counter, office = (
            stack.enter_context(
                TestPhone(name, server=f"127.0.0.1:{port}", secret=keys[name], is_verbose=True)
            )
            for name in PHONES
        )
        for phone in (operator, counter, office):
            phone.wait_registered(10.0)
        click.echo(furnish(path))
        office.answer_mode("auto", OFFICE_ANSWERS_AFTER_MS)
        office.say(OPERATOR_SAYS, repeat=True)
        yield Stage(folder, operator, counter, office)


# --- the four calls -----------------------------------------------------------------------------


def answered(stage: Stage) -> Row:
    """An operator answers, both speak, the caller hangs up."""
    _title(1, "answered by an operator / risponde un operatore")
    stage.operator.answer_mode("auto", 3500)
    stage.operator.say(OPERATOR_SAYS, repeat=True)
    report = _call(stage, 1, CallPlan(caller="0514001122", hang_up_after_ms=5000), CALLER_SAYS)
    # If the call was not answered, the table shows it.
    with contextlib.suppress(OfficeError):
        stage.send(UseSheet(sheet="cambio-residenza", position="op1"))
    row = _row(stage, "1. 0514001122 -> line1", report)
    return _judged(row, "switchboard", "answered")


def to_the_counter(stage: Stage) -> Row:
    """Nobody at the switchboard answers: the citizens' counter does."""
    _title(2, "nobody answers -> Sportello Cittadini")
    stage.operator.answer_mode("never")
    stage.counter.answer_mode("auto", 3500)
    stage.counter.say(OPERATOR_SAYS, repeat=True)
    report = _call(stage, 2, CallPlan(caller="withheld", hang_up_after_ms=5000), CALLER_SAYS)
    return _judged(_row(stage, "2. withheld -> line2", report), "citizens_desk", "answered")


def closed(stage: Stage) -> Row:
    """Closed: a greeting, and the caller leaves a message."""
    _title(3, "closed -> greeting and message / chiuso -> segreteria")
    stage.send(CloseOffice(on=True, by="demo"))
    plan = CallPlan(caller="0514003344", after_quiet_ms=1500, start_delay_ms=18_000)
    report = _call(stage, 1, plan, CALLER_SAYS, CALLER_SAYS, CALLER_SAYS)
    stage.send(CloseOffice(on=False, by="demo"))
    return _judged(_row(stage, "3. 0514003344 -> line1", report), "voicemail", "message")


def hangs_up_early(stage: Stage) -> Row:
    """The caller hangs up while the phones ring."""
    _title(4, "the caller hangs up early / il chiamante riaggancia subito")
    stage.operator.answer_mode("never")
    report = _call(stage, 1, CallPlan(caller="0514005566", rings=1))
    return _judged(_row(stage, "4. 0514005566 -> line1", report), "switchboard", "gave_up")


CALLS: tuple[Callable[[Stage], Row], ...] = (answered, to_the_counter, closed, hangs_up_early)


def _call(stage: Stage, line: int, plan: CallPlan, *say: Path) -> CallReport:
    _wait_until_idle(stage)
    click.echo(f"   the exchange rings line{line} ...")
    heard = stage.folder / f"caller-{int(time.time())}.wav"
    try:
        return process.place_call(
            stage.folder / "lines", line, plan, say=say, listen=heard, limit=CALL_LIMIT_S
        )
    # The table shows it.
    except TimeoutError:
        return CallReport(ended_by=f"nobody within {CALL_LIMIT_S:.0f} s")


def _wait_until_idle(stage: Stage) -> None:
    """Wait until the previous call is over on the line too."""
    pause = threading.Event()
    deadline = time.monotonic() + CLEAR_LIMIT_S
    while time.monotonic() < deadline and not _idle(stage.folder):
        pause.wait(0.1)


def _idle(folder: Path) -> bool:
    socket = folder / "run" / "desk.sock"
    lines = protocol.send(socket, ShowStatus()).status.lines
    return bool(lines) and all(line.state is LineState.IDLE for line in lines)


def _row(stage: Stage, call: str, report: CallReport) -> Row:
    """Read the call's record from the database, once it is final."""
    deadline = time.monotonic() + 20
    pause = threading.Event()
    while time.monotonic() < deadline:
        with contextlib.suppress(CentralinoError):
            connection = open_reader(database_path(stage.folder / "state"))
            with contextlib.closing(connection):
                latest = call_log.list_calls(connection, limit=1)
            record = latest[0] if latest else None
            if record and record.result != "open" and record.call not in stage.seen:
                stage.seen.add(record.call)
                path = _recording(stage.folder, record.message)
                return Row(
                    call,
                    record.way or call_log.NO_DESTINATION,
                    record.result.value,
                    path,
                    good=True,
                )
        pause.wait(0.2)
    return Row(call, "-", f"no record; the exchange says {report.ended_by}", "-", good=False)


def _recording(folder: Path, message: str) -> str:
    if not message:
        return "-"
    found = next(iter(sorted((folder / "state" / "voicemail").rglob(f"*{message}*.wav"))), None)
    return str(found.relative_to(folder.parent)) if found else f"message {message}: no file"


def _judged(row: Row, way: str, result: str) -> Row:
    good = row.good and (row.way, row.result) == (way, result)
    if result == "message":
        good = good and row.recording.endswith(".wav")
    return Row(row.call, row.way, row.result, row.recording, good)


# --- the parts ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _daemon(folder: Path, path: Path) -> Iterator[None]:
    journal = folder / "daemon.log"
    with journal.open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "appliance", "run", "--config", str(path)]
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_ready(folder, child, journal)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(30)
        child.kill()


def _wait_until_ready(folder: Path, child: subprocess.Popen[bytes], journal: Path) -> None:
    click.echo("starting the exchange, the daemon and three phones ...")
    deadline = time.monotonic() + BOX_READY_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(OfficeError):
            if _idle(folder):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise Refused(
        _("the daemon did not become ready; {journal} says why", journal=journal),
    )


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        # Leave room for the range of RTP ports above.
        return min(int(probe.getsockname()[1]), 60_000)


def _title(number: int, words: str) -> None:
    click.echo(f"\n== call {number}: {words}")


def _print_table(rows: list[Row]) -> None:
    click.echo(f"\n{'call':<26} {'way':<14} {'result':<12} {'recording':<60} ok")
    for row in rows:
        mark = "yes" if row.good else "NO"
        click.echo(f"{row.call:<26} {row.way:<14} {row.result:<12} {row.recording:<60} {mark}")


def _stay(folder: Path, console: str) -> None:
    settings = read.load(folder / "centralino.toml")
    login = enter(settings)
    click.echo(
        f"\nStaying up. The console: {console}\n{login}\n"
        "Its page “Postazione operatore” (Operator's desk) shows a call as it rings; the phone "
        f"op1 answers after {ANSWERS_AFTER_MS // 1000} s, an office to which it is transferred "
        f"after {OFFICE_ANSWERS_AFTER_MS // 1000} s.\nTry:\n"
        f"  centralino dev call --exchange {folder / 'lines'} --line 1 --from 0511234567\n"
        f"  centralino status --config {folder / 'centralino.toml'}\n"
        f"  centralino messages list --config {folder / 'centralino.toml'}\n"
        f"Soft phone: user soft, password demo-soft, server 127.0.0.1:{settings.sip.port}, UDP.\n"
        "Ctrl-C ends it."
    )
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
