"""Servers that take backups, each a real one of the test's own on loopback: sshd, smbd, apache2."""

from __future__ import annotations

import contextlib
import getpass
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from appliance.console.certificates import (
    CertificateNames,
    fingerprint,
    make_authority,
    make_server,
    save_certificate,
)

HOST = "127.0.0.1"
SMB_USER, SMB_PASSWORD = "nobody", "segreto di prova"
"""Samba's accounts are the system's: this one is everywhere."""
SSHD = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
PidFile none
"""
SMB = """\
[global]
  smb ports = {port}
  bind interfaces only = yes
  interfaces = {host}
  private dir = {folder}/private
  lock directory = {folder}/lock
  state directory = {folder}/state
  cache directory = {folder}/cache
  pid directory = {folder}/pid
  ncalrpc dir = {folder}/ncalrpc
  log file = {folder}/log
  passdb backend = smbpasswd:{folder}/smbpasswd
  server min protocol = SMB2_10
  load printers = no
  disable spoolss = yes
[copie]
  path = {share}
  read only = {read_only}
  force user = {user}
"""

DAV_USER, DAV_PASSWORD = "copie", "segreto di prova"
DAV = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/log
DocumentRoot {share}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_basic_module {modules}/mod_auth_basic.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
LoadModule alias_module {modules}/mod_alias.so
DavLockDB {folder}/locks/db
Mutex posixsem
Listen {host}:{port} https
SSLEngine on
SSLCertificateFile {folder}/server.crt
SSLCertificateKeyFile {folder}/server.key
SSLSessionCache none
Alias /dav {share}
<Directory {share}>
  Dav {dav}
  AuthType Basic
  AuthName copie
  AuthUserFile {folder}/users
  Require valid-user
  {more}
</Directory>
"""


def free_port() -> int:
    """Find a port of the address that nobody has."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def _started(command: list[str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    until = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
            return child
        assert child.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


def _ended(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    child.wait(10)


@dataclass
class SshServer:
    """An sshd of the test's own: `share` is the folder for backups."""

    folder: Path
    port: int = 0
    child: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.share.mkdir()
        self.port = free_port()
        (self.folder / "authorized").touch()
        self.new_key()

    @property
    def share(self) -> Path:
        """Where backups go."""
        return self.folder / "share"

    @property
    def address(self) -> str:
        """What the configuration says."""
        return f"sftp://{getpass.getuser()}@{HOST}:{self.port}{self.share}"

    @property
    def fingerprint(self) -> str:
        """What its administrator reads."""
        told = subprocess.run(
            ["ssh-keygen", "-lf", str(self.folder / "host.pub")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout.split()[1]

    def new_key(self) -> None:
        """Give it another key, as a machine that was set up anew has."""
        for name in ("host", "host.pub"):
            (self.folder / name).unlink(missing_ok=True)
        making = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host")]
        subprocess.run(making, check=True)

    def know(self, public: str) -> None:
        """Let somebody's key log in."""
        (self.folder / "authorized").write_text(f"{public}\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "config"
        config.write_text(SSHD.format(port=self.port, host=HOST, folder=self.folder))
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
        self.child = _started(command, self.port, self.folder / "log")

    def stop(self) -> None:
        """End it."""
        if self.child is not None:
            _ended(self.child)
            self.child = None


@dataclass
class SmbServer:
    """A smbd of the test's own with a share `copie`."""

    folder: Path
    port: int = 0
    child: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        for name in ("share", "private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self.folder / name).mkdir(parents=True)
        self.port = free_port()

    @property
    def share(self) -> Path:
        """Where backups go."""
        return self.folder / "share"

    @property
    def address(self) -> str:
        """What the configuration says."""
        return f"smb://{SMB_USER}@{HOST}:{self.port}/copie"

    def start(self, *, read_only: bool = False) -> None:
        """Start it, and wait until it answers."""
        config = self.folder / "smb.conf"
        said = {"port": self.port, "host": HOST, "folder": self.folder, "share": self.share}
        said["user"] = getpass.getuser()  # who owns the test's folders
        config.write_text(SMB.format(**said, read_only="yes" if read_only else "no"))
        secret = f"{SMB_PASSWORD}\n{SMB_PASSWORD}\n".encode()
        subprocess.run(
            ["smbpasswd", "-c", str(config), "-s", "-a", SMB_USER],
            input=secret, capture_output=True, check=True,
        )  # fmt: skip
        command = ["/usr/sbin/smbd", f"--configfile={config}", "-F", "--no-process-group"]
        self.child = _started(command, self.port, self.folder / "out")

    def stop(self) -> None:
        """End it."""
        if self.child is not None:
            _ended(self.child)
            self.child = None


class Certified:
    """A server's certificate for `localhost` and the authority that vouches for it, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.renew()

    @property
    def authority(self) -> Path:
        """What `backup.ca_file` names."""
        return self.folder / "ca.crt"

    @property
    def fingerprint(self) -> str:
        """What the server's administrator reads."""
        pem = (self.folder / "server.crt").read_bytes()
        return fingerprint(x509.load_pem_x509_certificate(pem))

    def renew(self, *, days_ago: int = 0) -> None:
        """Make both anew, as of so many days ago."""
        then = datetime.now(UTC) - timedelta(days=days_ago)
        made = make_authority("Comune di Prova", (), then)
        save_certificate(made, self.authority, self.folder / "ca.key")
        server = make_server(made, CertificateNames(("localhost",), ()), then)
        save_certificate(server, self.folder / "server.crt", self.folder / "server.key")


@dataclass
class DavServer:
    """An apache2 of the test's own with a WebDAV folder `dav`."""

    folder: Path
    port: int = 0
    child: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        for name in ("share", "locks"):
            (self.folder / name).mkdir()
        self.port = free_port()
        self.certified = Certified(self.folder)
        login = ["htpasswd", "-b", "-c", str(self.folder / "users"), DAV_USER, DAV_PASSWORD]
        subprocess.run(login, capture_output=True, check=True)

    @property
    def share(self) -> Path:
        """Where backups go."""
        return self.folder / "share"

    @property
    def address(self) -> str:
        """What the configuration says."""
        return f"https://{DAV_USER}@localhost:{self.port}/dav"

    def start(self, *, is_dav: bool = True, more: str = "") -> None:
        """Start it, and wait until it answers."""
        config = self.folder / "apache.conf"
        said = {"port": self.port, "host": HOST, "folder": self.folder, "share": self.share}
        said["modules"] = "/usr/lib/apache2/modules"
        text = DAV.format(**said, dav="On" if is_dav else "Off", more=more)
        config.write_text(text)
        command = ["/usr/sbin/apache2", "-f", str(config), "-D", "FOREGROUND"]
        self.child = _started(command, self.port, self.folder / "out")

    def stop(self) -> None:
        """End it."""
        if self.child is not None:
            _ended(self.child)
            self.child = None


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """Listen and never say a word; yields the port."""
    with socket.create_server((HOST, 0)) as server:
        yield int(server.getsockname()[1])
