"""Second instance of the programme for the self-test, on simulated lines, beside the service.

Its ports and its folder are its own; it never opens modems, LEDs or the service's ports.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api import protocol
from appliance.api.commands import CloseOffice, ShowStatus
from appliance.api.technician_commands import ShowSystem
from appliance.calls.model import LineState
from appliance.config import phones, read
from appliance.errors import CentralinoError, OfficeError, PeerError
from appliance.policy.supervision import Component
from appliance.selftest.findings import Finding, ok, wrong
from appliance.selftest.programme import damaged
from appliance.simulator.exchange.process import ExchangeProcess
from appliance.simulator.phone.process import TestPhone
from appliance.text import Words, _, unchanged

if TYPE_CHECKING:
    from appliance.api.technician_replies import SystemReply
    from appliance.config.schema import Settings

LOCAL: Final = "127.0.0.1"
PHONE: Final = "selftest"
LINES: Final = 2
# A small board under load; a workstation takes 3 s.
START_S: Final = 60.0
REGISTER_S: Final = 20.0
STOP_S: Final = 5.0
# Of the last lines of a journal that are shown.
SHOWN: Final = 160
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

TEMPLATE: Final = """\
# Written by `centralino box selftest`; removed at its end.
[site]
name = {name}
patron = "01-01"
country = {country}
zone = {zone}
languages = {languages}
voice = "{voice}"

[hours]
{hours}

[clock]
without_time = "open"

{lines}
[sip]
address = "{address}"
port = {port}
tcp = false
rtp_ports = [{rtp}, {rtp_last}]

[[phones]]
name = "{phone}"

[switchboard]
phones = ["{phone}"]
ring = 20

[folders]
state = {state}
run = {run}
console = {console}
{prompts}
[console]
enabled = false

[panel]
ready = -1
network = -1
messages = -1
fault = -1
lines = []
unattended_button = -1
"""
LINE: Final = """\
[[lines]]
name = "line{number}"
port = {port}
dialect = "conexant"
"""
# What a service manager tells its own service is not for this one.
NOT_INHERITED: Final = frozenset(
    {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
     "CENTRALINO_CONFIG"}
)  # fmt: skip


class NotStarted(CentralinoError):  # noqa: N818 - reads as what it is
    """Raised where the own box does not come up; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding.said))
        self.finding = finding


@dataclass(frozen=True, slots=True)
class OwnBox:
    """The running box: its folder, its processes and its phone."""

    folder: Path
    daemon: subprocess.Popen[bytes]
    exchange: ExchangeProcess
    phone: TestPhone

    def close_office(self) -> None:
        """Have the next call go to voicemail."""
        protocol.send(control_socket(self.folder), CloseOffice(on=True, by=PHONE), limit=10.0)

    def system(self) -> SystemReply:
        """Return the technician's view; raises OfficeError."""
        return protocol.send(control_socket(self.folder), ShowSystem(), limit=10.0)

    def processes(self) -> frozenset[int]:
        """Return the numbers of all its processes."""
        own = {self.daemon.pid, self.exchange.pid, self.phone.pid, os.getpid()}
        for _generation in range(3):
            own |= {child for parent in tuple(own) for child in _children(parent)}
        return frozenset(own)


def _children(parent: int) -> list[int]:
    with contextlib.suppress(OSError, ValueError):
        told = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(number) for number in told.split()]
    return []


def control_socket(folder: Path) -> Path:
    """Return the path of the own box's control socket."""
    return (folder / "run").resolve() / "desk.sock"


def give_way() -> None:
    """Let calls that are going on go first: this process and all its children ask for less."""
    with contextlib.suppress(OSError):
        os.nice(max(10 - os.nice(0), 0))
    # The simulators ask for real time, which would stand before the lines' own.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


@contextlib.contextmanager
def own_box(folder: Path, settings: Settings | None, voice: str) -> Iterator[OwnBox]:
    """Start everything and stop it; raises NotStarted."""
    with contextlib.ExitStack() as stack:
        # A socket's path has 107 bytes at most (unix(7)), wherever the state folder is.
        short = stack.enter_context(tempfile.TemporaryDirectory(prefix="cst-"))
        (folder / "run").symlink_to(short)
        port = free_ports(1)
        path = folder / "centralino.toml"
        path.write_text(configuration(folder, port, settings, voice), encoding="utf-8")
        secret = os.urandom(12).hex()
        phones.save_secrets(read.load(path), {PHONE: secret})
        exchange = _exchange(stack, folder)
        daemon = stack.enter_context(_daemon(folder, path))
        _wait_until_idle(folder, daemon)
        yield OwnBox(folder, daemon, exchange, _phone(stack, port, secret))


def configuration(folder: Path, port: int, settings: Settings | None, voice: str) -> str:
    """Return the own box's configuration: open all day, with the site's first language and sounds.

    Announcements of further languages are read by `programme.announcements`; spoken one after the
    other they would make the caller wait, and measure nothing more.
    """
    rtp = free_ports(20)
    site = settings.site if settings else None
    lines = (
        LINE.format(number=n, port=json.dumps(str(folder / "lines" / f"line{n}")))
        for n in range(1, LINES + 1)
    )
    prompts = settings.folders.prompts if settings else ""
    return TEMPLATE.format(
        name=_quoted(site.name if site else "Centralino"),
        country=_quoted(site.country if site else "it"),
        zone=_quoted(site.zone if site else "Europe/Rome"),
        languages=_quoted([site.languages[0] if site else "it"]),
        voice=voice,
        hours="\n".join(f'{day} = ["00:00-24:00"]' for day in DAYS),
        lines="\n".join(lines),
        address=LOCAL,
        port=port,
        rtp=rtp,
        rtp_last=rtp + 19,
        phone=PHONE,
        state=_quoted(str(folder / "state")),
        run=_quoted(str((folder / "run").resolve())),
        console=_quoted(str(folder / "console")),
        prompts=f"prompts = {_quoted(prompts)}" if prompts else "",
    )


def _quoted(value: object) -> str:
    # JSON's strings and lists are TOML's, too.
    return json.dumps(value, ensure_ascii=False)


def free_ports(count: int) -> int:
    """Return the first, an even one, of so many free UDP ports in a row on the loopback."""
    for _try in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((LOCAL, 0))
            first = min(int(probe.getsockname()[1]), 65_000) & ~1
        if all(_is_free(first + more) for more in range(count)):
            return first
    raise NotStarted(
        wrong("ports", _("there are no free ports: end what uses them (sudo ss -lunp)"))
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOCAL, port))
        except OSError:
            return False
    return True


def _exchange(stack: contextlib.ExitStack, folder: Path) -> ExchangeProcess:
    try:
        return stack.enter_context(ExchangeProcess(folder / "lines", LINES))
    except (CentralinoError, OSError) as error:
        raise NotStarted(
            wrong("programme", damaged(_("the simulated lines do not start: {error}", error=error)))
        ) from error


def _phone(stack: contextlib.ExitStack, port: int, secret: str) -> TestPhone:
    try:
        phone = stack.enter_context(
            TestPhone(PHONE, server=f"{LOCAL}:{port}", secret=secret, listen=f"{LOCAL}:0")
        )
        phone.wait_registered(REGISTER_S)
    except (CentralinoError, OSError) as error:
        raise NotStarted(
            wrong("phone", _("the simulated phone cannot register with call control: install the "
                             "update or the package again"))
        ) from error  # fmt: skip
    return phone


@contextlib.contextmanager
def _daemon(folder: Path, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    own = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    with journal(folder).open("wb") as log:
        # A group of its own: the media gateway goes with it, however call control ends.
        child = subprocess.Popen(
            [sys.executable, "-m", "appliance", "run", "--config", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=own,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(STOP_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def journal(folder: Path) -> Path:
    """Return the path of what the own box writes."""
    return folder / "journal"


def _wait_until_idle(folder: Path, daemon: subprocess.Popen[bytes]) -> None:
    """Wait until both lines are idle; raises NotStarted with the cause."""
    deadline = time.monotonic() + START_S
    answered = False
    while daemon.poll() is None:
        with contextlib.suppress(OfficeError, PeerError, OSError):
            lines = protocol.send(control_socket(folder), ShowStatus(), limit=5.0).status.lines
            answered = True
            if lines and all(line.state is LineState.IDLE for line in lines):
                return
        if time.monotonic() > deadline:
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(0.1)
    raise NotStarted(_start_fault(folder, daemon, answered=answered))


def _start_fault(folder: Path, daemon: subprocess.Popen[bytes], *, answered: bool) -> Finding:
    text = journal_text(folder)
    if (cause := cause_in(text)) is not None:
        return cause
    last = last_line(text)
    if answered:
        return wrong(
            "gateway",
            _(
                "the media gateway does not start ({last}): install the update or the package "
                "again",
                last=last,
            ),
        )
    status = daemon.poll()
    if status is not None and status < 0:
        return wrong("call_control", _ended_by(-status, last))
    return wrong(
        "call_control",
        _(
            "call control does not start ({last}): install the update or the package again",
            last=last,
        ),
    )


def _ended_by(number: int, last: Words) -> Words:
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    return _("call control was ended by {name} ({last}): look into the kernel's journal "
             "(journalctl -k)", name=name, last=last)  # fmt: skip


def journal_text(folder: Path) -> str:
    """Return what the own box wrote."""
    try:
        return journal(folder).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def last_line(text: str) -> Words:
    """Return a journal's last line, cut to a length that people read."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return unchanged(lines[-1][:SHOWN]) if lines else _("it wrote nothing")


_IMPORT: Final = re.compile(r"(?:ModuleNotFoundError|ImportError|SyntaxError|IndentationError): .*")
_SPACE: Final = re.compile(r"No space left on device|Disk quota exceeded|disk is full")
_READ_ONLY: Final = re.compile(r"Read-only file system|readonly database")
_MEMORY: Final = re.compile(r"MemoryError|Cannot allocate memory|Out of memory")


def cause_in(text: str) -> Finding | None:
    """Return the cause that a journal names by the system's own words; None if it names none."""
    if found := _IMPORT.search(text):
        return wrong("programme", damaged(unchanged(found.group()[:SHOWN])))
    if _SPACE.search(text):
        return wrong("room", _("the disk is full: delete old files, or use a larger memory card"))
    if _READ_ONLY.search(text):
        return wrong("disk", _("the disk is read-only: start the box anew; if it comes back, "
                               "replace the memory card"))  # fmt: skip
    if _MEMORY.search(text):
        return wrong("memory", _("there is not enough memory for call control: end other "
                                 "programmes, or start the box anew"))  # fmt: skip
    return None


def processes_findings(box: OwnBox) -> Iterator[Finding]:
    """Tell whether call control and media gateway lived through the calls."""
    text = journal_text(box.folder)
    status = box.daemon.poll()
    if status is not None:
        yield cause_in(text) or wrong("call_control", _ended_by(-status, last_line(text)))
        return
    try:
        system = box.system()
    except (CentralinoError, OSError):
        yield wrong("call_control", _("call control no longer answers: install the update or the "
                                      "package again"))  # fmt: skip
        return
    yield ok("call_control", _("it started, and served two calls"))
    restarts = sum(row.restarts for row in system.restarts if row.part == Component.MEDIA_GATEWAY)
    if restarts or not system.carrier.connected:
        cause = cause_in(text)
        yield cause or wrong(
            "gateway",
            _("the media gateway died during the calls: install the update or the package again"),
        )  # fmt: skip
        return
    yield ok("gateway", _("it carried the sound of two calls"))
