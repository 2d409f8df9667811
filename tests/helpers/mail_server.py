"""A real mail server of Debian's (exim4), as an ordinary process on a loopback address.

Its own configuration, spool, certificate and mailboxes in one folder; nothing of the machine's.
Recipients: anybody at comune.example is delivered to a file; nobody@ is refused for good, full@ is
put off.
"""

from __future__ import annotations

import contextlib
import email
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import IO

import pytest

from tests.helpers.ports import free_port

EXIM = "/usr/sbin/exim4"
USER, PASSWORD = "centralino", "una parola d'ordine"
LIMIT_S = 20.0

CONFIG = """
primary_hostname = mail.comune.example
exim_user = {user}
exim_group = {group}
never_users =
trusted_users = {user}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = {address}
daemon_smtp_ports = {port}{tls_port}
{tls_on_connect}
tls_advertise_hosts = {tls}
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
host_lookup =
rfc1413_hosts =
disable_ipv6 = true
smtp_accept_keepalive = true
keep_environment =
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
qualify_domain = comune.example
begin acl
rcpt:
  deny local_parts = nobody
       message = no such office
  defer local_parts = full
       message = mailbox full, try later
  deny !authenticated = *
       condition = {need_login}
       message = log in first
  accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  directory = {folder}/boxes
  create_directory
  delivery_date_add = false
  envelope_to_add
  return_path_add = false
  maildir_format
  user = {user}
  group = {group}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{name}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = {advertise}
"""


@dataclass
class MailServer:
    """One exim4; `tls_port` speaks TLS from the first byte."""

    folder: Path
    address: str = "127.0.14.1"
    port: int = 0
    tls_port: int = 0
    tls: bool = True
    need_login: bool = True

    def start(self) -> MailServer:
        """Start and wait until it greets; skips the test where exim4 is missing."""
        for tool, package in ((EXIM, "exim4-daemon-light"), ("openssl", "openssl")):
            if not shutil.which(tool):
                pytest.skip(f"needs Debian package {package}")
        self.port = self.port or free_port(self.address)
        self.tls_port = self.tls_port or free_port(self.address)
        self._prepare()
        command = [EXIM, "-C", str(self.folder / "exim.conf"), "-bdf", "-q1h"]
        self._log: IO[bytes] = (self.folder / "daemon.log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        self._wait()
        return self

    def stop(self) -> None:
        """End it, and what it started."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(LIMIT_S)
        self._log.close()

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and has not ended."""
        return self._process.poll() is None

    def mails(self) -> list[EmailMessage]:
        """Return what was delivered, oldest first."""
        found = sorted(
            (self.folder / "boxes" / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns
        )
        return [
            email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=default)
            for path in found
        ]

    def wait_for(self, count: int) -> list[EmailMessage]:
        """Wait until so many mails were delivered."""
        deadline = time.monotonic() + LIMIT_S
        while len(self.mails()) < count:
            assert time.monotonic() < deadline, self.logs()
            select_pause()
        return self.mails()

    def logs(self) -> str:
        """Return all that it has logged."""
        return "\n".join(path.read_text() for path in sorted((self.folder / "log").glob("*")))

    @property
    def certificate(self) -> str:
        """Name the file of its throw-away certificate."""
        return str(self.folder / "certificate.pem")

    def _prepare(self) -> None:
        for name in ("spool", "log", "boxes"):
            (self.folder / name).mkdir(exist_ok=True)
        if not Path(self.certificate).exists():
            make_certificate(self.folder, self.address)
        user, group = (
            ("nobody", "nogroup") if os.geteuid() == 0 else (str(os.getuid()), str(os.getgid()))
        )
        text = CONFIG.format(
            folder=self.folder,
            address=self.address,
            port=self.port,
            tls_port=f" : {self.tls_port}" if self.tls else "",
            tls_on_connect=f"tls_on_connect_ports = {self.tls_port}" if self.tls else "",
            tls="*" if self.tls else "",
            need_login="true" if self.need_login else "false",
            advertise="true" if self.need_login else "false",
            user=user,
            group=group,
            name=USER,
            password=PASSWORD,
        )
        (self.folder / "exim.conf").write_text(text)
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, user, group)
            shutil.chown(self.folder / "exim.conf", "root", "root")
            for parent in (self.folder, *self.folder.parents):
                if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
                    parent.chmod(parent.stat().st_mode | 0o011)

    def _wait(self) -> None:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self.folder / "daemon.log").read_text()
            with (
                contextlib.suppress(OSError),
                socket.create_connection((self.address, self.port), 2) as peer,
            ):
                if peer.recv(3) == b"220":
                    return
            select_pause()
        raise AssertionError(f"exim4 does not answer: {self.logs()}")


def make_certificate(folder: Path, address: str) -> None:
    """Make a throw-away certificate for an address, signed by itself."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=mail.comune.example", "-addext", f"subjectAltName=IP:{address}",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def select_pause() -> None:
    """Give others the processor while something is waited for."""
    time.sleep(0.02)
