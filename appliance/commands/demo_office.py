"""The demonstration's office: folder, configuration, processes, directory, users, console.

Only the copper is simulated: the exchange, the service with its media gateway, the console and
four SIP phones are processes of their own on loopback addresses, on ports that are free.
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
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.api import protocol, users
from appliance.api.commands import AddUser, Command, LoadDirectory, ShowStatus
from appliance.api.replies import FullStatus, Reply
from appliance.calls.model import LineState
from appliance.commands.directory import Place, take
from appliance.commands.options import control_socket_path, send_with_proof
from appliance.config import address_book_file, phones, read, sheet_file
from appliance.console.accounts import Passwords
from appliance.errors import OfficeError
from appliance.policy.address_book import house_numbers
from appliance.policy.numbering import HOME_PLAN
from appliance.policy.text import Refused, SaidError
from appliance.policy.users import Role, User
from appliance.service import live_policy
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.simulator.phone.process import TestPhone
from appliance.store import sheets
from appliance.store.policy_change import PolicyChange
from appliance.text import Words, _

if TYPE_CHECKING:
    import sqlite3

    from appliance.config.schema import Settings

FOLDER: Final = Path("demo")
ZONE: Final = ZoneInfo("Europe/Rome")
OPERATOR_PHONE, COUNTER_PHONE, OFFICE_PHONE, SOFT_PHONE = "op1", "counter1", "office1", "soft"
PHONES: Final = (OPERATOR_PHONE, COUNTER_PHONE, OFFICE_PHONE)
LINES: Final = ("051 598 111", "800 011 837")
"""Numbers of the two lines, by which callers know the office."""
READY_LIMIT_S: Final = 60.0
OFFICE_ANSWERS_AFTER_MS: Final = 3000
"""Ringing time of the offices' phone: long enough to be seen."""
STOP_LIMIT_S: Final = 30.0


# ---- folder and configuration ------------------------------------------------------------------

TEMPLATE: Final = """\
# Written by `centralino dev demo`.
[site]
name = "{site}"
patron = "10-04"
email = "urp@comune.esempio.it"
languages = ["{language}"]

[hours]
monday = ["08:30-17:30"]

[[openings]]                    # open all day today, whatever day it is
day = {today}
hours = ["00:00-24:00"]

[[lines]]
name = "line1"
label = "{ordinary} 051 598 111"
called = "051 598 111"
port = "{folder}/lines/line1"
dialect = "conexant"

[[lines]]
name = "line2"
label = "{free} 800 011 837"
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
label = "{operator}"

[[phones]]
name = "counter1"
label = "{counter}"

[[phones]]
name = "office1"
label = "{offices}"

[[phones]]
name = "soft"
label = "{soft}"

[switchboard]
phones = ["op1", "soft"]
ring = 8

[citizens_desk]
phones = ["counter1"]
ring = 15

[calls]
transfer = {transfer}

[folders]
state = "{folder}/state"
run = "{folder}/run"
console = "{folder}/console"

[console]
listen = "127.0.0.1"
redirect_port = 0
"""
LABELS: Final = {
    "site": _("Municipality of Esempio (demonstration)"),
    "ordinary": _("Ordinary line"),
    "free": _("Freephone"),
    "operator": _("Operator 1"),
    "counter": _("Citizens' counter 1"),
    "offices": _("Phone of the offices"),
    "soft": _("Your own phone"),
}
TRANSFER_S: Final = 10
"""An office's phone rings this long before the call returns to the operator."""
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALWAYS: Final = "".join(f'{day} = ["00:00-24:00"]\n' for day in _DAYS)
_BANDS: Final = re.compile(r"(?<=^\[declarations\.bands\]\n)(?:\w+ = \[.*\]\n)+", re.MULTILINE)
_REACH: Final = re.compile(r'^reach = "\w+"\nnumber = ".+"$', re.MULTILINE)
_MOBILE: Final = re.compile(r"^service_mobile = true\n", re.MULTILINE)


def label(key: str, language: str) -> str:
    """Return a label of the office's configuration."""
    return LABELS[key].text(language)


def configuration(folder: Path, port: int, rtp: int, today: date, language: str = "it") -> str:
    """Return the demonstration's configuration file."""
    labels = {key: words.text(language) for key, words in LABELS.items()}
    return TEMPLATE.format(
        folder=folder, port=port, rtp=rtp, rtp_last=rtp + 99, today=today.isoformat(),
        language=language, transfer=TRANSFER_S, **labels,
    )  # fmt: skip


def directory_text() -> str:
    """Return the example's directory with offices that take calls at any hour, at one phone."""
    # So that a transfer succeeds also in the evening and without a PBX.
    example = resources.files("appliance.config") / "example_register.toml"
    text = _BANDS.sub(_ALWAYS, example.read_text(encoding="utf-8"))
    return _MOBILE.sub("", _REACH.sub(f'reach = "phone"\nnumber = "{OFFICE_PHONE}"', text))


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
        yield
    finally:
        os.close(descriptor)


# ---- processes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts of a demonstration that runs."""

    folder: Path
    settings: Settings
    operator: TestPhone
    counter: TestPhone
    office: TestPhone
    furnished: Words
    seen: set[str] = field(default_factory=set)
    """Calls whose record was read already."""

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "centralino.toml"

    @property
    def lines(self) -> Path:
        """The folder of the simulated exchange."""
        return self.folder / "lines"

    @property
    def journal(self) -> Path:
        """What the service has logged."""
        return self.folder / "service.log"

    def send(self, command: Command[Reply]) -> None:
        """Send call control a command."""
        protocol.send(self.folder / "run" / "desk.sock", command)

    def status(self) -> FullStatus:
        """Return call control's status."""
        return protocol.send(self.folder / "run" / "desk.sock", ShowStatus()).status


@contextlib.contextmanager
def staged(folder: Path, language: str = "it") -> Iterator[Stage]:
    """Start exchange, service and phones and fill the directory; stop them in reverse order."""
    folder.mkdir(parents=True, exist_ok=True)
    # RTP ports are even (RFC 3550, 11).
    port, rtp = _free_udp_port(), _free_udp_port() & ~1
    path = folder / "centralino.toml"
    # The office's day, whatever this machine's zone is.
    today = datetime.now(ZONE).date()
    path.write_text(configuration(folder, port, rtp, today, language), encoding="utf-8")
    settings = read.load(path)
    keys = {name: f"demo-{name}" for name in (*PHONES, SOFT_PHONE)}
    phones.save_secrets(settings, keys)
    with (
        ExchangeProcess(folder / "lines", 2, is_apart=True),
        _service(folder, path),
        contextlib.ExitStack() as stack,
    ):
        operator, counter, office = (
            stack.enter_context(
                TestPhone(name, server=f"127.0.0.1:{port}", secret=keys[name], is_apart=True)
            )
            for name in PHONES
        )
        for phone in (operator, counter, office):
            phone.wait_registered(10.0)
        office.answer_mode("auto", OFFICE_ANSWERS_AFTER_MS)
        yield Stage(folder, settings, operator, counter, office, furnish(path))


@contextlib.contextmanager
def _service(folder: Path, path: Path) -> Iterator[None]:
    command = ("run", "--verbose", "--config", str(path))
    with _child(command, folder / "service.log") as child:
        _wait_until_ready(folder, child)
        yield


@contextlib.contextmanager
def _child(words: Sequence[str], journal: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the product with its output in a file; end it when left.

    It is not told Ctrl-C or that the terminal goes: the service takes the latter (SIGHUP) for a
    changed configuration, and hangs up while the exchange is still there to see it.
    """
    with journal.open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "appliance", *words]
        child = subprocess.Popen(command, stdout=log, stderr=log, process_group=0)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_LIMIT_S)
        child.kill()
        child.wait()


def _wait_until_ready(folder: Path, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(OfficeError):
            if lines_are_idle(folder):
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise Refused(
        _("the service did not become ready; {journal} says why", journal=folder / "service.log"),
    )


def lines_are_idle(folder: Path) -> bool:
    """Tell whether the service sees all lines, and none has a call."""
    lines = protocol.send(folder / "run" / "desk.sock", ShowStatus()).status.lines
    return bool(lines) and all(line.state is LineState.IDLE for line in lines)


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        # Leave room for the range of RTP ports above.
        return min(int(probe.getsockname()[1]), 60_000)


OPEN_AT: Final = "the console is open at "


@contextlib.contextmanager
def opened(folder: Path, config: Path) -> Iterator[str]:
    """Run the console without TLS on a free local port and yield its URL; raises Refused."""
    journal = folder / "console.log"
    command = ("console", "--http", "--port", "0", "--config", str(config))
    with _child(command, journal) as child:
        yield _address(child, journal)


def _address(child: subprocess.Popen[bytes], journal: Path) -> str:
    """Wait for the console's URL in its log and return it."""
    deadline = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline and child.poll() is None:
        _unused, found, rest = journal.read_text(encoding="utf-8").partition(OPEN_AT)
        if found and rest.endswith("\n"):
            return rest.split()[0]
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.1)
    raise Refused(_("the console did not open; {journal} says why", journal=journal))


# ---- directory and users -----------------------------------------------------------------------

# Printed for everybody: the demonstration listens on this computer only.
PHRASE: Final = "mare sole vento"
"""Password of all users."""
OPERATOR: Final = User(
    "operatore", "Olga Operatrice", frozenset({Role.OPERATOR}), position=OPERATOR_PHONE
)
HEAD: Final = User(
    "responsabile", "Rita Responsabile", frozenset({Role.HEAD}), position=OPERATOR_PHONE
)


def furnish(config: Path) -> Words:
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
    return _(
        "{offices} services and offices, {sheets} procedure sheets, {bodies} other bodies",
        offices=len(merged.directory.units), sheets=len(given), bodies=len(book),
    )  # fmt: skip


def enter(settings: Settings) -> None:
    """Add the users to the running service. Raises OfficeError."""
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
