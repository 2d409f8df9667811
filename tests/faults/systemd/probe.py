"""Runs in the sandbox of one of our units, in place of the service: tries what may not be.

Needs nothing but the standard library. Prints one JSON object: what was tried, "done" or why not.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

STATE = Path("/var/lib/centralino")
TRIED: dict[str, Callable[[], object]] = {}
PTRACE_ATTACH = 16
CLONE_NEWUSER = 0x1000_0000


def tried(act: Callable[[], object]) -> Callable[[], object]:
    """Add something to try; it is named by its function."""
    TRIED[act.__name__] = act
    return act


def _write(folder: str) -> None:
    path = Path(folder) / f"probe-{os.getpid()}"
    path.write_text("x", encoding="ascii")
    path.unlink()


def _run_from(folder: str) -> None:
    path = Path(folder) / f"probe-{os.getpid()}"
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o700)
    try:
        subprocess.run([str(path)], check=True)
    finally:
        path.unlink()


def _open(path: str) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY))


def _libc(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


@tried
def raw_socket() -> None:
    """Make packets of one's own."""
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


@tried
def packet_socket() -> None:
    """Listen to the whole cable."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()


@tried
def udp_socket() -> None:
    """Use the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))


@tried
def writable_code() -> None:
    """Map memory that can be written and run."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


@tried
def write_etc() -> None:
    """Change the system."""
    _write("/etc/centralino")


@tried
def write_state() -> None:
    """Write beside the records."""
    _write(str(STATE))


@tried
def write_run() -> None:
    """Write beside the control socket."""
    _write("/run/centralino")


@tried
def read_shadow() -> None:
    """Read the machine's passwords."""
    Path("/etc/shadow").read_bytes()


@tried
def read_phone_secrets() -> None:
    """Read what the phones register with."""
    (STATE / "secrets" / "phone_secrets.json").read_bytes()


@tried
def read_key() -> None:
    """Read the key by which numbers that are told to nobody are sealed."""
    (STATE / "secrets" / "register.key").read_bytes()


@tried
def read_shell_proof() -> None:
    """Read by which call control knows the box's own shell."""
    (STATE / "private" / "shell-proof").read_bytes()


@tried
def enter_private() -> None:
    """Look what there is in the folders of secrets."""
    for name in ("secrets", "private"):
        list((STATE / name).iterdir())


@tried
def read_records() -> None:
    """Read the records, as pages do."""
    with contextlib.closing(sqlite3.connect(f"file:{STATE}/centralino.db?mode=ro", uri=True)) as db:
        db.execute("SELECT count(*) FROM calls").fetchone()


@tried
def read_consoles_key() -> None:
    """Read the key of the pages' certificate, which is in every backup."""
    Path("/var/lib/centralino-console/tls/server.key").read_bytes()


@tried
def reach_the_lines() -> None:
    """Connect where orders to the lines are given."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        made.connect("/run/centralino-link/link.sock")


@tried
def read_root_only_password() -> None:
    """Read the mail password's file itself."""
    Path("/etc/centralino/mail_password").read_bytes()


@tried
def read_credential() -> None:
    """Read the mail password as systemd hands it over."""
    given = Path(os.environ["CREDENTIALS_DIRECTORY"]) / "mail-password"
    if given.read_text(encoding="ascii").strip() != "told-to-nobody":
        raise ValueError("another word")


@tried
def run_from_state() -> None:
    """Run a file that was written into the state folder."""
    _run_from(str(STATE))


@tried
def run_from_tmp() -> None:
    """Run a file that was written into /tmp."""
    _run_from("/tmp")


@tried
def run_true() -> None:
    """Run a programme of the system."""
    subprocess.run(["/usr/bin/true"], check=True)


@tried
def set_clock() -> None:
    """Set the machine's time."""
    time.clock_settime(time.CLOCK_REALTIME, time.time())


@tried
def be_nicer_than_others() -> None:
    """Take more of the processor."""
    os.setpriority(os.PRIO_PROCESS, 0, -5)


@tried
def give_way() -> None:
    """Take less of the processor."""
    os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))


@tried
def real_time() -> None:
    """Ask for the real time that the media gateway has."""
    asked = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    os.sched_setscheduler(0, asked, os.sched_param(20))


@tried
def attach() -> None:
    """Look into another process."""
    child = subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE)
    try:
        _libc("ptrace", PTRACE_ATTACH, child.pid, 0, 0)
    finally:
        with contextlib.suppress(OSError):
            child.kill()
        child.communicate()


@tried
def signal_itself() -> None:
    """Send a signal, if only to oneself."""
    os.kill(os.getpid(), signal.SIGCONT)


@tried
def namespaces() -> None:
    """Begin a world of one's own; in a child, which is then lost to this one."""
    if (child := os.fork()) == 0:
        try:
            _libc("unshare", CLONE_NEWUSER)
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    if refused := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(refused, "unshare")


@tried
def mount() -> None:
    """Mount something over a folder."""
    _libc("mount", b"none", b"/tmp", b"tmpfs", 0, None)


@tried
def disk() -> None:
    """Open a disk."""
    _open("/dev/disk")


@tried
def modem() -> None:
    """Open a serial port that anybody's group could."""
    _open("/dev/ttyACM9")


@tried
def panel() -> None:
    """Open the wires of LEDs and button."""
    _open("/dev/gpiochip0")


@tried
def core() -> None:
    """Leave a core, in which every number of the office would lie."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        raise OSError(errno.EPERM, "no core")


@tried
def listen_below_1024() -> None:
    """Listen where browsers look."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.bind(("127.0.0.77", 443))


def attempt(act: Callable[[], object]) -> str:
    """Try one thing; say "done", or the name of the error."""
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was is what is reported
        return f"{type(error).__name__}: {error}"
    return "done"


def main() -> None:
    """Try everything."""
    sys.stdout.write(json.dumps({name: attempt(act) for name, act in TRIED.items()}) + "\n")


if __name__ == "__main__":
    main()
