"""Installation, for technicians: lines, phones, network, storage, LEDs, journal."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from appliance.api.technician_commands import (
    ReopenLine,
    RunSelfTest,
    ShowSelfTest,
    ShowSystem,
    TestLeds,
)
from appliance.api.technician_replies import SelfTestReply, SystemReply
from appliance.console.accounts import (
    needs,
    send_as_user,
    with_permission,
)
from appliance.console.certificates import own_addresses
from appliance.console.control_client import (
    ControlUnreachable,
    NotDone,
    StatusFeed,
    control_of,
    form_field,
    known_people,
    not_done,
    send,
)
from appliance.console.live import EventStream, server_event
from appliance.console.say import N_, Speaker
from appliance.console.templates import PageLink, page, render
from appliance.errors import OfficeError, StoreError, TechnicianError
from appliance.policy.privacy import mask_journal
from appliance.policy.text import error_text_words, os_error_words
from appliance.policy.users import Permission
from appliance.store import call_log
from appliance.store.database import migrations
from appliance.store.listings import EVIDENCES, RESULTS
from appliance.text import Words, sentence
from appliance.voicemail.storage import MailboxLimits, water_marks

# A page full of figures is not rendered anew for every key that is pressed on a phone.
AT_MOST_EVERY_S: Final = 1.0
"""Shortest pause between two states of the page, in seconds."""
# Seconds within which a check of the database must be done.
CHECK_LIMIT_S: Final = 120.0
LED_NAMES: Final = {
    "ready": N_("In service"),
    "network": N_("Network"),
    "message": N_("Messages"),
    "fault": N_("Fault"),
}
OUTCOMES: Final = {
    "ok": N_("holds"),
    "wrong": N_("does not hold"),
    "not_measured": N_("could not be tried"),
}
CLOCKS: Final = {
    "synced": N_("confirmed by a time server"),
    "holdover": N_("running on by itself; it was confirmed before"),
    "stale": N_(
        "not confirmed since the power came, or for too long, or it has jumped: see the page “Time”"
    ),
    "unset": N_("not set, or in a year that cannot be: see the page “Time”, and the network"),
}


@needs(Permission.TECHNICAL)
async def show_system(request: Request) -> Response:
    """Show the page of the installation."""
    values = {**await _system_values(request), **await self_test_values(request)}
    return page(request, "system/system.html", **values)


@needs(Permission.TECHNICAL)
async def stream_system(request: Request) -> Response:
    """Stream the page's content at every change, until the browser disconnects."""
    return EventStream(_system_events(request), media_type="text/event-stream")


@needs(Permission.TECHNICAL)
async def check_records(request: Request) -> Response:
    """Check the whole database; this can take a minute on a memory card."""
    _ = request.state.speaker
    try:
        # In a reading thread of its own: other pages are served meanwhile.
        found = await request.app.state.store.read(find_damage, CHECK_LIMIT_S)
    except StoreError as error:
        said = _.words(os_error_words(error))
        return page(request, "system/checked.html", said=said, is_well=False)
    what = _.words(error_text_words(found))
    said = _("Damaged: {what}", what=what) if found else _("The records are whole.")
    return page(request, "system/checked.html", said=said, is_well=not found)


@needs(Permission.TECHNICAL)
async def test_leds(request: Request) -> Response:
    """Light every LED for a moment."""
    try:
        reply = await send_as_user(request, TestLeds())
    except NotDone as error:
        return page(request, "system/checked.html", said=str(error), is_well=False)
    said = request.state.speaker.words(reply.said)
    return page(request, "system/checked.html", said=said, is_well=True)


@needs(Permission.TECHNICAL)
async def show_self_test(request: Request) -> Response:
    """Show the last self-test: a part of the page, polled while one is done; 204 until its end."""
    shown = await self_test_values(request)
    # A screen reader would read an unchanged part aloud at each poll.
    if shown["tried"] and shown["tried"].runs:
        return Response(status_code=204)
    return page(request, "system/selftest.html", **shown)


@needs(Permission.TECHNICAL)
async def run_self_test(request: Request) -> Response:
    """Have the box tried on simulated lines."""
    try:
        await send_as_user(request, RunSelfTest())
    except NotDone as error:
        return page(request, "system/checked.html", said=str(error), is_well=False)
    return page(request, "system/selftest.html", **await self_test_values(request))


async def self_test_values(request: Request) -> dict[str, Any]:
    """Return the values of the part about self-tests; `tried` is None without a reply."""
    try:
        tried: SelfTestReply | None = await send(request, ShowSelfTest())
    except NotDone:
        tried = None
    said, names = request.state.speaker.words, await known_people(request)
    return {"tried": tried, "outcomes": OUTCOMES, "said": said, "names": names}


@needs(Permission.TECHNICAL)
async def restart_line(request: Request) -> Response:
    """Put a line on hook and open its port again; refused during a call unless confirmed."""
    form = await request.form()
    # Under no call unless the technician confirms it.
    even_in_call = form_field(form, "even_in_call") == "1"
    command = ReopenLine(line=form_field(form, "line"), even_in_call=even_in_call)
    try:
        reply = await send_as_user(request, command)
    except NotDone as error:
        return page(request, "system/checked.html", said=str(error), is_well=False)
    said = request.state.speaker.words(reply.said)
    return page(request, "system/checked.html", said=said, is_well=True)


@needs(Permission.TECHNICAL)
async def download_journal(request: Request) -> Response:
    """Download the journal as a file, with every number masked."""
    try:
        text = await read_journal()
    except NoJournal as error:
        why = request.state.speaker.words(error.words)
        return page(request, "system/no_log.html", 503, why=why)
    name = f"centralino-{datetime.now(request.app.state.zone):%Y%m%d-%H%M}.txt"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers)


async def _system_events(request: Request) -> AsyncIterator[str]:
    feed: StatusFeed = request.app.state.feed
    async for seen in feed.states():
        # Logged out elsewhere, or disabled: nothing more is shown.
        if not await request.app.state.accounts.is_in(request.state.word):
            yield server_event("out", "")
            return
        yield server_event("away", "1" if seen.away else "")
        yield server_event(
            "live", render(request, "system/live.html", **await _system_values(request))
        )
        await asyncio.sleep(AT_MOST_EVERY_S)


REALTIME: Final = {
    "SCHED_FIFO": N_(
        "the service may not take real-time priority (SCHED_FIFO): sound may be uneven when the "
        "box is busy"
    ),
    "mlockall": N_(
        "the service may not lock its memory (mlockall): sound may stop for a moment when memory "
        "is short"
    ),
}
"""What the lines' process was refused, by the call that it made."""


def refused_realtime(speaker: Speaker, refused: str) -> list[str]:
    """Return what real-time rights were refused, in the reader's language; [] for none."""
    # As go_realtime tells it: "SCHED_FIFO: Operation not permitted, mlockall: …".
    found = [speaker(said) for call, said in REALTIME.items() if f"{call}:" in refused]
    return found or ([speaker(N_("the system refused it"))] if refused else [])


async def _system_values(request: Request) -> dict[str, Any]:
    """Return the values of the page; what cannot be read is None, with the reason beside it."""
    told, why = await _system_status(request)
    kept, trouble = await _storage_status(request, told)
    settings = request.app.state.settings
    return {
        # The page opens with what can be had: without call control, or without the database.
        "plant": told,
        "why": why,
        "kept": kept,
        "kept_trouble": trouble,
        "addresses": [str(one) for one in own_addresses(settings.listen) if not one.is_loopback],
        "names": settings.names,
        "network": network_status(),
        "realtime": (
            refused_realtime(request.state.speaker, told.carrier.realtime) if told else []
        ),
        "led_names": LED_NAMES,
        "clocks": CLOCKS,
        "said": request.state.speaker.words,
    }


async def _system_status(request: Request) -> tuple[SystemReply | None, str]:
    """Ask call control for its state; returns None and the reason without a reply."""
    try:
        return await control_of(request).send(ShowSystem()), ""
    except ControlUnreachable as away:
        return None, request.state.speaker.words(away.words)
    except OfficeError as refused:
        return None, str(not_done(request.state.speaker, refused))


async def _storage_status(
    request: Request, told: SystemReply | None
) -> tuple[StorageStatus | None, str]:
    """Read the state of database and disk; returns None and the reason if that fails."""
    # Without call control no line is known, and disk and database are shown all the same.
    lines = [line.name for line in told.lines] if told else []
    settings = request.app.state.settings
    path, alarm = settings.records, settings.room_alarm
    try:
        # The console reads database and disk itself, also while call control is unreachable.
        return await request.app.state.store.read(
            lambda c: read_storage_status(c, lines, path, alarm)
        ), ""
    # StoreError is an OSError.
    except OSError as error:
        return None, request.state.speaker.words(os_error_words(error))


RELEASES: Final = 5
"""Last calls of each line that are shown, with the evidence of their end."""
# More than are shown: those without an end, or without evidence, are left out.
LOOKED_AT: Final = 20
"""Last calls of each line that are read."""
MB: Final = 1 << 20
LIMITS: Final = MailboxLimits()


@dataclass(frozen=True, slots=True)
class LineRelease:
    """End of a call: evidence by which it was detected, and its delay (ms, None if unknown)."""

    at: datetime
    result: Words
    evidence: Words
    release_ms: int | None


@dataclass(frozen=True, slots=True)
class DiskStatus:
    """Disk of database and messages, in MB; `mark` is "low", "high" or "".

    Below `low` MB no message is recorded, below `high` MB the technician is warned.
    """

    free: int
    total: int
    used_percent: int
    mark: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """Database and disk: schema `version`, the product's own `wanted`, size in MB."""

    releases: Mapping[str, tuple[LineRelease, ...]]
    version: int
    wanted: int
    size: float
    disk: DiskStatus


def read_storage_status(
    connection: sqlite3.Connection, lines: Iterable[str], records: Path, room_alarm: int
) -> StorageStatus:
    """Read the storage; `room_alarm` is the configured high mark in MB.

    Raises sqlite3.Error, OSError.
    """
    pages, size, version = (
        int(connection.execute(f"PRAGMA {what}").fetchone()[0])
        for what in ("page_count", "page_size", "user_version")
    )
    return StorageStatus(
        {line: line_releases(connection, line) for line in lines},
        version,
        migrations()[-1][0],
        pages * size / MB,
        disk_status(records.parent, room_alarm),
    )


def line_releases(connection: sqlite3.Connection, line: str) -> tuple[LineRelease, ...]:
    """List the ends of a line's last calls, newest first."""
    ended = [
        LineRelease(
            record.ended_at,
            RESULTS[record.result],
            EVIDENCES[record.evidence],
            record.release_ms,
        )
        # No caller's number: a technician sees how a call ended, not who called (P7).
        for record in call_log.list_calls(connection, line=line, limit=LOOKED_AT)
        if record.ended_at is not None and record.evidence is not None
    ]
    return tuple(ended[:RELEASES])


def disk_status(folder: Path, room_alarm: int) -> DiskStatus:
    """Measure the disk of a folder; raises OSError."""
    usage = shutil.disk_usage(folder)
    # The same marks as those by which the mailbox refuses messages (voicemail/storage.py).
    low, high = water_marks(replace(LIMITS, high_water_bytes=room_alarm * MB), usage.total)
    return DiskStatus(
        usage.free // MB,
        usage.total // MB,
        round(100 * usage.used / usage.total) if usage.total else 0,
        disk_mark(usage.free, low, high),
        low // MB,
        high // MB,
    )


def disk_mark(free: int, low: int, high: int) -> str:
    """Compare free bytes with the marks: "low": no message is recorded; "high": a warning."""
    if free < low:
        return "low"
    return "high" if free < high else ""


def find_damage(connection: sqlite3.Connection) -> str:
    """Check the whole database; returns the first damage, "" for none."""
    # One line is enough to tell damage.
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if said == "ok" else said


# Routes, name servers and interfaces are read from the kernel and from the resolver's file.

ROUTES_4: Final = Path("/proc/net/route")
ROUTES_6: Final = Path("/proc/net/ipv6_route")
RESOLVER: Final = Path("/etc/resolv.conf")
DEVICES: Final = Path("/sys/class/net")
RTF_GATEWAY: Final = 0x2
"""Flag of a route through a router (route.h)."""


@dataclass(frozen=True, slots=True)
class NetworkDevice:
    """Network interface: whether it has a link, and its speed in Mbit/s, 0 if unknown."""

    name: str
    is_joined: bool
    speed: int


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """Default routers, name servers, and interfaces."""

    routers: tuple[str, ...]
    servers: tuple[str, ...]
    devices: tuple[NetworkDevice, ...]


def network_status() -> NetworkStatus:
    """Read the present state of the network, without what cannot be read."""
    routers = (
        *routers_of_four(_text_or_nothing(ROUTES_4)),
        *routers_of_six(_text_or_nothing(ROUTES_6)),
    )
    return NetworkStatus(routers, servers_of(_text_or_nothing(RESOLVER)), network_devices(DEVICES))


def routers_of_four(table: str) -> tuple[str, ...]:
    """Parse the kernel's IPv4 routes (proc_net(5), route); returns the default routers."""
    found = []
    for line in table.splitlines()[1:]:
        device, target, router, flags, *_ = line.split()
        if int(target, 16) == 0 and int(flags, 16) & RTF_GATEWAY:
            # Addresses are in the machine's byte order.
            address = ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(router), "little"))
            found.append(f"{address} ({device})")
    return tuple(found)


def routers_of_six(table: str) -> tuple[str, ...]:
    """Parse the kernel's IPv6 routes (ipv6_route); returns the default routers."""
    rows = (line.split() for line in table.splitlines())
    return tuple(
        f"{ipaddress.IPv6Address(int(row[4], 16))} ({row[9]})"
        for row in rows
        if row[1] == "00" and int(row[0], 16) == 0 and int(row[8], 16) & RTF_GATEWAY
    )


def servers_of(text: str) -> tuple[str, ...]:
    """Parse the name servers of the resolver's file (resolv.conf(5))."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def network_devices(folder: Path) -> tuple[NetworkDevice, ...]:
    """Read the state of each interface but the loopback."""
    with contextlib.suppress(OSError):
        names = sorted(one.name for one in folder.iterdir() if one.name != "lo")
        return tuple(
            NetworkDevice(
                name, _number(folder / name / "carrier") == 1, _number(folder / name / "speed")
            )
            for name in names
        )
    return ()


def _number(path: Path) -> int:
    """Read a number; 0 where the kernel has none."""
    # The file of a wireless interface's speed cannot be read; an unknown speed is -1.
    text = _text_or_nothing(path).strip()
    return int(text) if text.isdecimal() else 0


def _text_or_nothing(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")
    return ""


JOURNAL_LINES: Final = 20_000
"""Lines of the journal that are read, the last ones."""
# Seconds within which the journal must be read.
JOURNAL_LIMIT_S: Final = 20.0
JOURNAL_LIMIT_BYTES: Final = 4_000_000
"""Bytes of the journal in the file, the last ones."""
# All three services, in one order of time.
JOURNAL_COMMAND: Final = (
    "journalctl", "--quiet", "--no-pager", "--output=short-iso", f"--lines={JOURNAL_LINES}",
    "--unit=centralino.service", "--unit=centralino-media.service",
    "--unit=centralino-console.service",
)  # fmt: skip
NO_JOURNAL: Final = sentence(
    "There is no journal to be read here: the service writes where it was started."
)
JOURNAL_LATE: Final = sentence("The journal could not be read in time: try again.")


class NoJournal(TechnicianError):  # noqa: N818 - reads as what it is
    """Raised when the journal cannot be read; `words` say why."""

    def __init__(self, words: Words) -> None:
        super().__init__(str(words))
        self.words = words


async def read_journal(
    command: Sequence[str] = JOURNAL_COMMAND, limit: float = JOURNAL_LIMIT_S
) -> str:
    """Return the end of the services' journal, with every number masked; raises NoJournal."""
    try:
        # The console's account may read the journal; numbers are masked before anybody sees it.
        reading = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        raise NoJournal(NO_JOURNAL) from error
    try:
        async with asyncio.timeout(limit):
            data, _ = await reading.communicate()
    # The child is ended below, and the console goes on.
    except TimeoutError as error:
        raise NoJournal(JOURNAL_LATE) from error
    finally:
        # Whatever ended the wait, no child outlives its request.
        with contextlib.suppress(ProcessLookupError):
            reading.kill()
        await reading.wait()
    # Nothing from these units: the service writes where it was started.
    if not data:
        raise NoJournal(NO_JOURNAL)
    # The end of a long journal: what happened last.
    text = data[-JOURNAL_LIMIT_BYTES:].decode("utf-8", "replace")
    # Without a first line that was cut in two.
    whole = text.partition("\n")[2] if len(data) > JOURNAL_LIMIT_BYTES else text
    # In a thread: masking megabytes would hold up the event loop.
    return await asyncio.to_thread(mask_journal, whole)


routes: list[BaseRoute] = [
    Route("/plant", show_system),
    Route("/plant/live", stream_system),
    Route("/plant/records", check_records),
    Route("/plant/log", download_journal),
    Route("/plant/selftest", show_self_test),
    Route("/plant/selftest", run_self_test, methods=["POST"]),
    Route("/plant/leds", test_leds, methods=["POST"]),
    Route("/plant/restart", restart_line, methods=["POST"]),
]
links = (PageLink("/plant", N_("Installation"), with_permission(Permission.TECHNICAL), order=80),)
