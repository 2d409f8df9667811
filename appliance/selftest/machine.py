"""Machine checks of the self-test: disk, memory, processor, clock, heat, ports, sounds."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import appliance
from appliance.policy.hours import moment_words
from appliance.policy.text import os_error_words
from appliance.selftest.findings import Finding, not_measured, ok, wrong
from appliance.text import Words, _, by_language, decimal_words

if TYPE_CHECKING:
    from appliance.config.schema import Settings

MB: Final = 1_000_000
# A message of three minutes takes 1.5 MB; the self-test itself writes less than 5.
ROOM_MB: Final = 32
# What call control, media gateway, exchange and phone take together is 200 MB (design/sound.md).
MEMORY_MB: Final = 96
# With less the calls are left out: they would take the pages of the service, and systemd would end
# call control in a citizen's call (seen with 512 MB). Peak of a self-test, and a rest.
CALLS_MB: Final = 224
# Peak of a self-test, 195 MB with the parts loaded while its own box starts (measured), and a rest
# for the service.
TOGETHER_MB: Final = 288
# A card that is slower than this over one fsync of a small file loses the caller's patience.
SLOW_FSYNC_S: Final = 5.0
WRITTEN: Final = 262_144
# Vcgencmd's soft limit is 80 °C, at 85 the board lowers its own clock.
HOT_C: Final = 80.0
# At most this long until a datagram that never leaves the machine has arrived.
DATAGRAM_S: Final = 2.0
OPTIONS_S: Final = 3.0
# No release is used so long: a later clock is wrong.
YEARS: Final = timedelta(days=20 * 365)
BUSY: Final = 0.95
NOT_KNOWN: Final = _("the board does not tell it")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the machine tells of itself; tests give folders of their own."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    wall: Callable[[], float] = time.time
    # The programme's files are as old as its release.
    programme: Path = field(default_factory=lambda: Path(appliance.__file__).parent)


# ---- files ---------------------------------------------------------------------------------------


def disk_findings(state: Path) -> Iterator[Finding]:
    """Write into the state folder as a message is written: fsync, read back, removed."""
    yield _room(state)
    probe = state / f".selftest-{os.getpid()}"
    began = time.monotonic()
    try:
        back = _written_and_read(probe)
    except OSError as error:
        yield _disk_error(state, error)
        return
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()
    took = time.monotonic() - began
    said = by_language(lambda language: decimal_words(took * 1000, 0, language))
    if not back:
        yield wrong(
            "disk",
            _("the disk does not give back what was written into {folder}: replace the memory "
              "card, and restore a backup", folder=state),
        )  # fmt: skip
    elif took > SLOW_FSYNC_S:
        yield wrong(
            "disk",
            _("the disk takes {took} ms for a small file: replace the memory card by a faster one",
              took=said),
            ms=took * 1000,
        )  # fmt: skip
    else:
        yield ok("disk", _("written, on the disk and read back in {took} ms", took=said),
                 ms=took * 1000)  # fmt: skip
    yield _owners(state)


def _written_and_read(probe: Path) -> bool:
    data = os.urandom(WRITTEN)
    descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
        # Out of the page cache, so that the disk is read.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(descriptor, WRITTEN, 0) == data
    finally:
        os.close(descriptor)


def _disk_error(state: Path, error: OSError) -> Finding:
    if error.errno in {errno.EACCES, errno.EPERM}:
        return wrong("rights", _not_writable(state))
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return wrong("room", _full(state, 0))
    if error.errno == errno.EROFS:
        return wrong(
            "disk",
            _("nothing can be written into {folder}, the disk is read-only: start the box anew; "
              "if it comes back, replace the memory card", folder=state),
        )  # fmt: skip
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return wrong(
            "rights",
            _("there is no folder {folder}: install the package again, which makes it",
              folder=state),
        )  # fmt: skip
    why = os_error_words(error)
    return wrong("disk", _("nothing can be written into {folder}: {why}", folder=state, why=why))


def _room(state: Path) -> Finding:
    try:
        found = os.statvfs(state)
    except OSError as error:
        return _disk_error(state, error)
    free = found.f_bavail * found.f_frsize // MB
    if free < ROOM_MB:
        return wrong("room", _full(state, free), mb=free)
    if found.f_files and not found.f_favail:
        return wrong(
            "room",
            _("the disk of {folder} can hold no more files: delete old ones", folder=state),
        )
    return ok("room", _("{free} MB are free", free=free), mb=free)


def _full(state: Path, free: int) -> Words:
    return _("the disk of {folder} is full ({free} MB free): delete old files, or use a larger "
             "memory card", folder=state, free=free)  # fmt: skip


def _owners(state: Path) -> Finding:
    """Look whether this account may use what lies in the state folder."""
    for path in sorted(state.iterdir()):
        if not path.name.startswith(".selftest") and _is_closed(path):
            return wrong("rights", _not_writable(path))
    return ok("rights", _("the account {account} reads and writes its files", account=account()))


def _is_closed(path: Path) -> bool:
    if path.is_symlink():
        return False
    # What was uploaded, and secrets, may be read-only on purpose; a folder never is.
    needed = os.R_OK | os.W_OK | os.X_OK if path.is_dir() else os.R_OK
    return not os.access(path, needed)


def _not_writable(path: Path) -> Words:
    return _("the account {account} may not use {path}: sudo chown -R {account}: {path}",
             account=account(), path=path)  # fmt: skip


def closed_file(path: Path) -> Words:
    """Return the sentence about a file that this account may not read."""
    return _("the account {account} may not read {path}: sudo chmod a+r {path}",
             account=account(), path=path)  # fmt: skip


def account() -> str:
    """Return the name of this process's account, its number where it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


# ---- memory, processor, board --------------------------------------------------------------------


def free_mb(machine: Machine) -> int | None:
    """Return the memory that is free for programmes, MB; None if the system does not tell."""
    told = _numbers(machine.proc / "meminfo")
    return told["MemAvailable"] * 1024 // MB if "MemAvailable" in told else None


def has_room_for_both(machine: Machine) -> bool:
    """Tell whether the parts may be loaded while the own box starts; else one after the other."""
    free = free_mb(machine)
    return free is not None and free >= TOGETHER_MB


def no_room_for_calls(machine: Machine) -> Words | None:
    """Say why a box of its own may not run beside the service, None where it may."""
    free = free_mb(machine)
    if free is None or free >= CALLS_MB:
        return None
    return _(
        "two calls need {need} MB of memory, {free} MB are free: they were left out, so that they "
        "disturb no call of the office. The field test calls over the lines themselves",
        need=CALLS_MB,
        free=free,
    )


def memory(machine: Machine) -> Finding:
    """Look how much memory is free for programmes."""
    free = free_mb(machine)
    if free is None:
        return not_measured("memory", _("the system does not tell how much memory is free"))
    if free >= MEMORY_MB:
        return ok("memory", _("{free} MB are free", free=free), mb=free)
    name, size = _largest(machine)
    return wrong(
        "memory",
        _("only {free} MB of memory are free, {name} uses {size} MB: end it, or start the box "
          "anew", free=free, name=name, size=size),
        mb=free,
    )  # fmt: skip


def _numbers(path: Path) -> dict[str, int]:
    with contextlib.suppress(OSError):
        rows = (row.replace(":", " ").split() for row in path.read_text().splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    return {}


def _largest(machine: Machine) -> tuple[str, int]:
    """Return the programme with the most memory, and its MB."""
    sizes: dict[str, int] = {}
    for folder in machine.proc.glob("[0-9]*"):
        size = _numbers(folder / "status").get("VmRSS", 0)
        with contextlib.suppress(OSError):
            name = (folder / "comm").read_text().strip()
            sizes[name] = sizes.get(name, 0) + size * 1024 // MB
    return max(sizes.items(), key=lambda item: item[1], default=("?", 0))


@dataclass(frozen=True, slots=True)
class Load:
    """The processors' ticks at one moment: all, idle, and of each process by its number."""

    total: int
    idle: int
    each: Mapping[int, tuple[str, int]]


def load(machine: Machine) -> Load | None:
    """Read how the processors' time was spent so far; None where the system does not tell."""
    try:
        ticks = (machine.proc / "stat").read_text().splitlines()[0].split()[1:9]
        counts = [int(tick) for tick in ticks]
    except (OSError, ValueError, IndexError):
        return None
    each = {}
    for folder in machine.proc.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = (folder / "stat").read_text()
            name, rest = told.partition("(")[2].rsplit(")", 1)
            used = rest.split()
            each[int(folder.name)] = (name, int(used[11]) + int(used[12]))
    # Idle, and waiting for a disk (proc(5)).
    return Load(sum(counts), counts[3] + counts[4], each)


def processor(before: Load | None, after: Load | None, ours: frozenset[int], late: bool) -> Finding:
    """Judge the processors' time; a busy one is a fault only where the calls were `late`."""
    if before is None or after is None or after.total <= before.total:
        return not_measured("processor", _("the system does not tell how busy it is"))
    busy = 1 - (after.idle - before.idle) / (after.total - before.total)
    percent = round(100 * busy)
    if busy < BUSY or not late:
        return ok("processor", _("{percent} % used meanwhile", percent=percent), busy=percent)
    spent = {
        number: (name, ticks - before.each.get(number, (name, 0))[1])
        for number, (name, ticks) in after.each.items()
        if number not in ours
    }
    number, (name, ticks) = max(spent.items(), key=lambda item: item[1][1], default=(0, ("?", 0)))
    share = round(100 * ticks / (after.total - before.total))
    return wrong(
        "processor",
        _("the processor has no time left for calls ({percent} % used, {share} % by {name}, "
          "process {number}): end that programme, or start the box anew",
          percent=percent, share=share, name=name, number=number),
        busy=percent,
    )  # fmt: skip


def heat(machine: Machine) -> Finding:
    """Read the board's temperature."""
    told = [_first_number(path) for path in machine.sys.glob("class/thermal/thermal_zone*/temp")]
    degrees = [each / 1000 for each in told if each is not None and 0 < each < 150_000]
    if not degrees:
        return not_measured("heat", NOT_KNOWN)
    hottest = max(degrees)
    said = by_language(lambda language: decimal_words(hottest, 0, language))
    if hottest >= HOT_C:
        return wrong(
            "heat",
            _("the board has {degrees} °C and slows itself down: give it air, away from sun and "
              "heating", degrees=said),
            celsius=hottest,
        )  # fmt: skip
    return ok("heat", _("{degrees} °C", degrees=said), celsius=hottest)


def power(machine: Machine) -> Finding:
    """Ask the Raspberry Pi's own watch over its supply (driver rpi_volt)."""
    for folder in machine.sys.glob("class/hwmon/hwmon*"):
        with contextlib.suppress(OSError):
            if (folder / "name").read_text().strip() == "rpi_volt":
                if _first_number(folder / "in0_lcrit_alarm"):
                    return wrong(
                        "power",
                        _("the power supply is too weak: use the Raspberry Pi's own, and a hub "
                          "with a supply of its own for the modems"),
                    )  # fmt: skip
                return ok("power", _("the supply holds its voltage"))
    return not_measured("power", NOT_KNOWN)


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def clock(machine: Machine, state: Path, zone: str) -> Finding:
    """Compare the clock with what is certainly past: the release, and what was stored last."""
    from zoneinfo import ZoneInfo

    wall = machine.wall()
    at = datetime.fromtimestamp(wall, UTC).astimezone(ZoneInfo(zone))
    shown = by_language(lambda language: moment_words(at, language))
    earliest = max((_age(path) for path in (machine.programme, *_records(state))), default=0.0)
    # Files may be written in the same second, and a clock that is set goes back a little.
    if wall < earliest - 3600:
        past = datetime.fromtimestamp(earliest, UTC).astimezone(ZoneInfo(zone))
        then = by_language(lambda language: moment_words(past, language))
        return wrong(
            "clock",
            _("the clock says {now}, but something was stored at {then}: set it on the page "
              "Time, or connect the box to a network with a time server", now=shown, then=then),
        )  # fmt: skip
    if wall > _age(machine.programme) + YEARS.total_seconds():
        return wrong(
            "clock",
            _("the clock says {now}, years too late: set it on the page Time, or connect the "
              "box to a network with a time server", now=shown),
        )  # fmt: skip
    return ok("clock", _("it says {now}", now=shown))


def _records(state: Path) -> Iterator[Path]:
    # Of these each is written only by the service, at its own time.
    yield from (state / name for name in ("centralino.db", "selftest.json"))


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


# ---- ports ---------------------------------------------------------------------------------------


def ports(machine: Machine, settings: Settings, service: int | None) -> Finding:
    """Look whether datagrams arrive, and whether the phones' port is the service's own.

    `service` is the account of the service, None for any.
    """
    address = "127.0.0.1" if settings.sip.address in {"", "0.0.0.0", "::"} else settings.sip.address  # noqa: S104 - compared, not bound
    port = settings.sip.port
    try:
        if not _arrives("127.0.0.1", 0):
            return wrong("ports", _blocked(_("datagrams to the box itself do not arrive")))
        holder = _holder(machine, port)
        if holder is None:
            if not _arrives(address, port):
                return wrong("ports", _blocked(_("nothing arrives at port {port}", port=port)))
            return ok("ports", _("port {port} is free, datagrams arrive", port=port))
    except OSError as error:
        return wrong("ports", _port_error(address, port, error))
    if service is not None and holder != service:
        return wrong("ports", _taken(port, holder))
    if settings.sip.allowed:
        # The box itself need not be among the networks that get an answer.
        return ok("ports", _("datagrams arrive, port {port} is the service's", port=port))
    if not _answers(address, port):
        return wrong(
            "ports",
            _blocked(_("the service does not answer at port {port}", port=port)),
        )
    return ok("ports", _("datagrams arrive, the service answers at port {port}", port=port))


def _blocked(what: Words) -> Words:
    return _("{what}: a firewall drops them; see its rules by sudo nft list ruleset, and "
             "delete the one that does", what=what)  # fmt: skip


def _taken(port: int, account_number: int) -> Words:
    try:
        name = pwd.getpwuid(account_number).pw_name
    except KeyError:
        name = str(account_number)
    return _("port {port}, which phones use, is taken by another programme of the account {name}: "
             "end it (sudo ss -lunp), or change sip.port", port=port, name=name)  # fmt: skip


def _port_error(address: str, port: int, error: OSError) -> Words:
    why = os_error_words(error)
    return _("port {port} at {address} cannot be used: {why}", port=port, address=address, why=why)


def _arrives(address: str, port: int) -> bool:
    """Send a datagram to a port of this machine; False if it does not arrive there."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.socket(kind, socket.SOCK_DGRAM) as inward,
        socket.socket(kind, socket.SOCK_DGRAM) as out,
    ):
        inward.bind((address, port))
        inward.settimeout(DATAGRAM_S)
        try:
            out.sendto(b"centralino selftest", inward.getsockname()[:2])
            inward.recv(64)
        except (TimeoutError, PermissionError):
            # A rule of the output chain says EPERM to the sender.
            return False
    return True


def _holder(machine: Machine, port: int) -> int | None:
    """Return the account that has a UDP port, None where it is free (proc(5), net/udp)."""
    for name in ("udp", "udp6"):
        with contextlib.suppress(OSError):
            for row in (machine.proc / "net" / name).read_text().splitlines()[1:]:
                columns = row.split()
                if int(columns[1].rsplit(":", 1)[1], 16) == port:
                    return int(columns[7])
    return None


def _answers(address: str, port: int) -> bool:
    """Ask the service as every phone does, by OPTIONS (RFC 3261, 11)."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as asker:
        asker.bind((address, 0))
        asker.settimeout(OPTIONS_S / 3)
        here = asker.getsockname()
        branch = os.urandom(6).hex()
        host = f"[{address}]" if ":" in address else address
        asked = (
            f"OPTIONS sip:{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {host}:{here[1]};branch=z9hG4bK{branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:selftest@{host}>;tag={branch}\r\n"
            f"To: <sip:{host}:{port}>\r\nCall-ID: {branch}@{host}\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        for _again in range(3):
            try:
                asker.sendto(asked.encode(), (address, port))
                if asker.recv(4096).startswith(b"SIP/2.0"):
                    return True
            except TimeoutError:
                continue
            except OSError:
                return False
    return False
