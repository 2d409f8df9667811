"""Backups to real servers: OpenSSH's, Samba's, Apache's, in every trouble that can be made."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.config import read
from appliance.config.values import backup_address
from appliance.policy.clock import Now
from appliance.policy.text import Refused
from appliance.service import backup_https, backup_smb, backup_target
from appliance.service.backup_uploads import AcceptedTarget, BackupUpload, UploadSchedule
from appliance.service.jobs import Jobs
from tests.commands.test_backup import Home
from tests.commands.test_backup_stick import fill
from tests.faults.needs import require
from tests.helpers import mounts
from tests.helpers.backup_servers import (
    DAV_PASSWORD,
    HOST,
    SMB_PASSWORD,
    DavServer,
    SmbServer,
    SshServer,
    silent,
)

PHRASE = "pane burro alici capperi"
AT = datetime(2026, 11, 25, 3, 5, tzinfo=UTC)

PUTTING = "<If \"%{REQUEST_METHOD} == 'PUT'\">"

pytestmark = pytest.mark.system


class Site:
    """A box that has run, its configuration naming a target, and a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "box")
        self.home.fill()
        self.nights = 0
        self.plain = self.home.config.read_text("utf-8")

    def to(self, address: str, keep: int = 7, ca_file: object = "") -> BackupUpload:
        """Configure a target."""
        text = f'{self.plain}\n[backup]\ntarget = "{address}"\nkeep = {keep}\n'
        text += f'ca_file = "{ca_file}"\n'
        self.home.config.write_text(text, "utf-8")
        return BackupUpload(read.load(self.home.config), self.home.config, self.now)

    def now(self) -> datetime:
        """Return a later night each time."""
        self.nights += 1
        return AT + timedelta(days=self.nights)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A box that has run."""
    return Site(tmp_path)


@pytest.fixture
def ssh(tmp_path: Path, site: Site) -> Iterator[SshServer]:
    """An SFTP server that knows the box."""
    require("sftp", "sshd")
    server = SshServer(tmp_path / "ssh")
    server.know(backup_target.made_key(site.home.state))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smb(tmp_path: Path) -> Iterator[SmbServer]:
    """A Windows server, or a NAS."""
    require("smbd", root=True)
    server = SmbServer(tmp_path / "smb")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def dav(tmp_path: Path) -> Iterator[DavServer]:
    """A WebDAV folder."""
    require("apache2", "htpasswd", root=True)
    server = DavServer(tmp_path / "dav")
    server.start()
    yield server
    server.stop()


Server = SshServer | SmbServer | DavServer


def accepted(server: Server) -> AcceptedTarget:
    """Accept what somebody accepts who has compared it."""
    if isinstance(server, DavServer):
        shown = backup_https.offered_certificate(backup_address(server.address), "")
        return AcceptedTarget(PHRASE, shown, DAV_PASSWORD)
    if isinstance(server, SmbServer):
        return AcceptedTarget(PHRASE, password=SMB_PASSWORD)
    return AcceptedTarget(PHRASE, backup_target.offered_key(backup_address(server.address)))


def refused(said: Callable[[], object]) -> str:
    """Return the Italian sentence of a refusal."""
    with pytest.raises(Refused) as error:
        said()
    return error.value.words.text("it")


def there(server: Server) -> list[str]:
    """List what lies on the server."""
    return sorted(path.name for path in server.share.iterdir())


@pytest.mark.parametrize("kind", ["ssh", "smb", "dav"])
def test_set_up_written_each_night_and_put_back(
    kind: str, site: Site, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The first whole one at the set-up, then one a night, of which the last few stay, and nothing
    else of the folder's goes; a new card with one of them is the old box and goes on by itself.
    """
    server = request.getfixturevalue(kind)
    (server.share / "altro.txt").write_text("x")
    (server.share / "centralino-20260101-030500-ffff.backup").write_text("another box's")
    target = site.to(server.address, keep=2)
    assert "riletta per intero" in target.set_up(accepted(server)).text("it")
    for _ in range(2):
        target.write()
    kept = backup_target.load(site.home.state)
    assert kept is not None
    mine = [name for name in there(server) if kept.mark in name]
    assert len(mine) == 2
    assert len(there(server)) == 4
    assert kept.done == kept.tried
    assert target.names()[-1] == mine[-1]
    fetched = tmp_path / "fetched.backup"
    target.fetch(mine[-1], fetched)
    assert fetched.read_bytes() == (server.share / mine[-1]).read_bytes()
    before = site.home.kept()
    site.home.folder.rename(tmp_path / "broken")
    site.home.folder.mkdir()
    site.home.backup.write_bytes(fetched.read_bytes())
    site.home.phrase.write_text(PHRASE)
    site.home.put_back()
    assert site.home.kept() == before
    assert "riletta per intero" in target.write().text("it")
    assert not list((site.home.state / "backups" / "target").iterdir())


def test_call_control_writes_it_by_a_child(site: Site, ssh: SshServer) -> None:
    """Asked for on the page: the child that call control begins does all of it by itself."""
    target = site.to(ssh.address)
    target.set_up(accepted(ssh))
    told: list[object] = []
    records: Any = SimpleNamespace(do=lambda *_: None)
    jobs = Jobs(site.home.config)
    nights = UploadSchedule(target.settings, records, jobs, lambda *each: told.append(each))
    nights.ask()
    until = time.monotonic() + 240
    try:
        while nights.is_waiting:
            assert time.monotonic() < until
            nights.look(Now(time.monotonic(), AT + timedelta(days=1)), lambda: True)
            time.sleep(0.05)
    finally:
        nights.stop()
    assert len(there(ssh)) == 2
    kept = backup_target.load(site.home.state)
    assert kept is not None
    assert kept.well
    assert kept.words.text("it").endswith("riletta per intero.")
    assert told == []


def test_another_key_of_the_server_ends_it(site: Site, ssh: SshServer) -> None:
    """Nothing is sent to a server with another key, and the sentence says what it may mean; once
    somebody has accepted the new one it goes on, in the same files' names.
    """
    target = site.to(ssh.address)
    assert backup_target.fingerprint(accepted(ssh).host_key) == ssh.fingerprint
    target.set_up(accepted(ssh))
    before = there(ssh)
    ssh.stop()
    ssh.new_key()
    ssh.start()
    said = refused(target.write)
    assert f"la chiave di {HOST} non è più quella accettata" in said
    assert there(ssh) == before
    kept = backup_target.load(site.home.state)
    assert kept is not None
    assert (kept.well, kept.words.text("it")) == (False, said)
    assert kept.done is not None
    target.set_up(accepted(ssh))
    after = backup_target.load(site.home.state)
    assert after is not None
    assert (after.mark, after.well, len(there(ssh))) == (kept.mark, True, 2)


def test_an_sftp_server_in_trouble(site: Site, ssh: SshServer, tmp_path: Path) -> None:
    """Away, our key not known, no folder: each is a sentence, kept for page and LED."""
    target = site.to(ssh.address)
    known = accepted(ssh)
    (ssh.folder / "authorized").write_text("")
    assert "non accetta la chiave dell'apparecchio" in refused(lambda: target.set_up(known))
    assert backup_target.load(site.home.state) is None
    ssh.know(backup_target.made_key(site.home.state))
    target.set_up(known)
    ssh.share.rename(tmp_path / "elsewhere")
    assert f"su {HOST} non c'è la cartella" in refused(target.write)
    ssh.stop()
    said = refused(target.write)
    assert "nessuno risponde a quell'indirizzo" in said
    kept = backup_target.load(site.home.state)
    assert kept is not None
    assert kept.words.text("it") == said


def test_an_smb_server_in_trouble(site: Site, smb: SmbServer) -> None:
    """A wrong password, no share, no folder, no right to write, away."""
    target = site.to(smb.address)
    wrong = AcceptedTarget(PHRASE, password="un'altra")
    assert "con questa password" in refused(lambda: target.set_up(wrong))
    known = accepted(smb)
    share = site.to(smb.address.replace("copie", "nessuna"))
    assert "non c'è la condivisione nessuna" in refused(lambda: share.set_up(known))
    folder = site.to(f"{smb.address}/nessuna")
    assert "non c'è la cartella nessuna" in refused(lambda: folder.set_up(known))
    site.to(smb.address).set_up(known)
    smb.stop()
    assert "nessuno risponde" in refused(target.write)
    smb.start(read_only=True)
    assert "non può scrivere nella cartella copie" in refused(target.write)


def test_a_web_server_in_trouble(site: Site, dav: DavServer) -> None:
    """A wrong password, no folder, no right to write, no WebDAV there, a file too large, away."""
    known = accepted(dav)
    target = site.to(dav.address)
    wrong = AcceptedTarget(PHRASE, known.host_key, "un'altra")
    assert "con questa password" in refused(lambda: target.set_up(wrong))
    folder = site.to(f"{dav.address}/nessuna")
    assert "non c'è la cartella /dav/nessuna" in refused(lambda: folder.set_up(known))
    target = site.to(dav.address)
    target.set_up(known)
    before = there(dav)
    for more, said in (
        ("LimitXMLRequestBody 100000\nLimitRequestBody 1000", "non accetta un file di"),
        (f"{PUTTING}\nRequire all denied\n</If>", "non può scrivere nella cartella /dav"),
    ):
        dav.stop()
        dav.start(more=more)
        assert said in refused(target.write), more
    dav.stop()
    dav.start(is_dav=False)
    assert "/dav non è una cartella WebDAV" in refused(target.write)
    dav.stop()
    assert "nessuno risponde" in refused(target.write)
    assert there(dav) == before
    kept = backup_target.load(site.home.state)
    assert kept is not None
    assert not kept.well


def test_a_web_servers_certificate(site: Site, dav: DavServer) -> None:
    """Nothing is sent to a server that has not proved itself: by an authority that was named, or by
    the one certificate that somebody has compared.
    """
    plain = AcceptedTarget(PHRASE, password=DAV_PASSWORD)
    address, authority = backup_address(dav.address), str(dav.certified.authority)
    target = site.to(dav.address)
    assert "di un'autorità che l'apparecchio non conosce" in refused(lambda: target.set_up(plain))
    shown = backup_https.offered_certificate(address, "")
    assert backup_target.fingerprint(shown) == dav.certified.fingerprint
    assert backup_https.offered_certificate(address, authority) == ""
    named = site.to(dav.address, ca_file=authority)
    named.set_up(plain)
    by_number = backup_address(dav.address.replace("localhost", HOST))
    said = refused(lambda: backup_https.offered_certificate(by_number, authority))
    assert "è di un altro nome" in said
    missing = site.to(dav.address, ca_file="/nowhere/ca.pem")
    assert "backup.ca_file non si legge" in refused(lambda: missing.set_up(plain))
    pinned = site.to(dav.address)
    pinned.set_up(accepted(dav))
    before = there(dav)
    dav.stop()
    dav.certified.renew(days_ago=200)
    dav.start()
    assert f"il certificato di {address.host} non è più quello accettato" in refused(pinned.write)
    expired = site.to(dav.address, ca_file=authority)
    assert "è scaduto" in refused(lambda: expired.set_up(plain))
    assert there(dav) == before


@pytest.mark.parametrize("kind", ["sftp", "smb", "https"])
def test_a_server_that_says_nothing(kind: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for no longer than for a server that is slow to answer."""
    require("sftp")
    monkeypatch.setattr(backup_target, "CONNECT_S", 1)
    monkeypatch.setattr(backup_smb, "CONNECT_S", 1)
    monkeypatch.setattr(backup_https, "CONNECT_S", 1)
    backup_target.made_key(site.home.state)
    with silent() as port:
        target = site.to(f"{kind}://copie@{HOST}:{port}/copie")
        key = (site.home.state / "secrets" / "backup_target_key.pub").read_text()
        known = AcceptedTarget(PHRASE, " ".join(key.split()[:2]), "x")
        assert "nessuna risposta in tempo" in refused(lambda: target.set_up(known))


def test_a_server_that_freezes_midway(
    site: Site, smb: SmbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after the time of one answer, however much was still to be sent."""
    target = site.to(smb.address)
    target.set_up(accepted(smb))
    monkeypatch.setattr(backup_smb, "ANSWER_S", 2)
    monkeypatch.setattr(backup_smb, "CONNECT_S", 1)
    assert smb.child is not None
    group, write, pieces = smb.child.pid, backup_smb._write, iter(range(1000))

    def frozen(to: object, piece: bytes) -> None:
        if next(pieces) == 1:
            os.killpg(group, signal.SIGSTOP)
        write(to, piece)

    monkeypatch.setattr(backup_smb, "_write", frozen)
    try:
        assert "nessuna risposta in tempo" in refused(target.write)
        assert next(pieces) > 1
    finally:
        os.killpg(group, signal.SIGCONT)
    kept = backup_target.load(site.home.state)
    assert kept is not None
    assert not kept.well


@pytest.mark.parametrize("kind", ["ssh", "smb", "dav"])
def test_a_full_server(kind: str, site: Site, tmp_path: Path) -> None:
    """What did not fit leaves no piece, and the older ones stay."""
    require("sftp", "sshd", "smbd", "apache2", "htpasswd", root=True)

    def job() -> None:
        kinds: dict[str, type[Server]] = {"ssh": SshServer, "smb": SmbServer, "dav": DavServer}
        server = kinds[kind](tmp_path / "srv")
        tmpfs = ["mount", "-t", "tmpfs", "-o", "mode=777,size=8m", "test", str(server.share)]
        subprocess.run(tmpfs, check=True)
        if isinstance(server, SshServer):
            server.know(backup_target.made_key(site.home.state))
        server.start()
        try:
            target = site.to(server.address)
            target.set_up(accepted(server))
            before = there(server)
            fill(server.share / "film.mkv")
            assert "non c'è abbastanza spazio" in refused(target.write)
            assert [name for name in there(server) if name != "film.mkv"] == before
        finally:
            server.stop()

    mounts.within(job)
