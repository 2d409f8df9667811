"""A backup to the network out of call control's own sandbox, under a real systemd: nothing is
loosened for it, and what root sets up the service's account can go on with.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import pytest

from appliance.store.backup import SealedReader
from tests.faults.needs import require
from tests.faults.systemd.machine import CALL_CONTROL, Machine
from tests.faults.systemd.scenes import COME_S
from tests.faults.systemd.test_helpers import CONFIG, PHRASE, WHO, add_user
from tests.helpers.backup_servers import (
    DAV_PASSWORD,
    SMB_PASSWORD,
    DavServer,
    SmbServer,
    SshServer,
)

pytestmark = pytest.mark.system
COMMAND = ("centralino", "backup-target")
Configured = Callable[[str], None]


@pytest.fixture
def configured(machine: Machine) -> Iterator[Configured]:
    """Have the machine's configuration name a target until the test ends."""
    path = machine.folder / "etc" / "centralino.toml"
    plain = path.read_text(encoding="utf-8")

    def started_with(text: str) -> None:
        path.write_text(text, encoding="utf-8")
        machine.inside("systemctl", "restart", CALL_CONTROL)
        machine.wait_until(machine.is_idle, COME_S, "call control did not come back")

    def name(address: str) -> None:
        started_with(f'{plain}\n[backup]\ntarget = "{address}"\n')
        add_user(machine)

    yield name
    machine.inside(*COMMAND, "forget", "--config", CONFIG)
    started_with(plain)


def secret(machine: Machine, name: str, text: str) -> str:
    """Bring a secret in; returns where it stands inside."""
    path = machine.folder / "brought" / name
    path.write_text(f"{text}\n", encoding="utf-8")
    return f"/opt/brought/{name}"


def set_up(machine: Machine, *more: str) -> None:
    """Set the target up, as root."""
    phrase = ("--passphrase-file", secret(machine, "phrase", PHRASE))
    machine.inside(*COMMAND, "set-up", "--config", CONFIG, *phrase, *more)


def names_in(sealed: Path) -> set[str]:
    """Name the files of a backup."""
    with sealed.open("rb") as file:
        reader = SealedReader(file, PHRASE)
        with tarfile.open(fileobj=cast("IO[bytes]", reader), mode="r|") as tar:
            return {member.name for member in tar}


def goes_on(machine: Machine, share: Path) -> None:
    """Have call control write another one, as on the page's button; it is whole."""
    (first,) = share.glob("*.backup")
    asked = machine.ask("backup_target_write", by=WHO)
    assert asked.get("done") is not False, asked
    machine.wait_until(
        lambda: (
            machine.ask("backup_target")["target"]["tried"] is not None
            and not machine.ask("backup_target")["waiting"]
        ),
        COME_S,
        "no backup was written",
    )
    told = machine.ask("backup_target")["target"]
    assert told["well"], told
    assert first in set(share.glob("*.backup")), told
    both = list(share.glob("*.backup"))
    assert len(both) == 2, (told, machine.log()[-3000:])
    # The console's authority too, by root's set-up and by call control: browsers trust a new card.
    for one in both:
        assert {"console-tls/ca.crt", "console-tls/ca.key"} <= names_in(one)


def test_over_sftp(machine: Machine, configured: Configured, tmp_path: Path) -> None:
    """OpenSSH's client works in the sandbox, with the key that is the service's alone."""
    require("sftp", "sshd")
    server = SshServer(tmp_path / "ssh")
    configured(server.address)
    server.know(machine.inside(*COMMAND, "key", "--config", CONFIG))
    server.start()
    try:
        set_up(machine, "--host-key", server.fingerprint)
        goes_on(machine, server.share)
    finally:
        server.stop()
    key = machine.inside("stat", "-c", "%U %a", "/var/lib/centralino/secrets/backup_target_key")
    assert key == "centralino 600"
    assert "backup_target" not in machine.inside("ls", "/var/lib/centralino/backups/target")


def test_over_smb(machine: Machine, configured: Configured, tmp_path: Path) -> None:
    """The library works in the sandbox."""
    require("smbd", root=True)
    server = SmbServer(tmp_path / "smb")
    configured(server.address)
    server.start()
    try:
        set_up(machine, "--password-file", secret(machine, "password", SMB_PASSWORD))
        goes_on(machine, server.share)
    finally:
        server.stop()


def test_over_https(machine: Machine, configured: Configured, tmp_path: Path) -> None:
    """Python's own client works in the sandbox, with the certificate that somebody has compared."""
    require("apache2", "htpasswd", root=True)
    server = DavServer(tmp_path / "dav")
    configured(server.address)
    server.start()
    try:
        password = ("--password-file", secret(machine, "password", DAV_PASSWORD))
        set_up(machine, "--host-key", server.certified.fingerprint, *password)
        goes_on(machine, server.share)
    finally:
        server.stop()
