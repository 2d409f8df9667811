"""`centralino box backup-target`: what a technician sees of it, without any server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.config.values import BackupAddress
from appliance.service import backup_target
from appliance.service.backup_target import BackupTarget
from tests.commands.test_backup import Home
from tests.helpers.odd_web_server import odd_server

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMKfde+3m2Ovm5z1nrQ7pFB9n3F9hSJlmYH7ejU2lh+U"
PRINT = "SHA256:eyBIve9jYNNYiaB5ied6fXHE/R3ioSUgGJ24xWiSmW8"
AT = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
URL = "sftp://copie@nas.test/copie"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A box that has run."""
    home = Home(tmp_path / "box")
    home.fill()
    return home


def to(home: Home, address: str) -> None:
    """Configure a target."""
    text = home.config.read_text("utf-8")
    home.config.write_text(f'{text}\n[backup]\ntarget = "{address}"\n', "utf-8")


def test_without_one_each_says_what_to_write(home: Home) -> None:
    """In the language of the house."""
    for words in (("key",), ("show",), ("set-up",), ("now",), ("list",), ("fetch", "x", "y")):
        said = home.run("backup-target", *words, code=1)
        assert "nessuna cartella di rete è configurata: scrivere backup.target" in said, words


def test_configured_and_not_set_up_is_found_by_check(home: Home) -> None:
    """`check` says so beside what else is wanting."""
    to(home, URL)
    (home.folder / "own" / "it" / "closed.wav").unlink()
    assert "sudo centralino box backup-target set-up" in home.run("check")
    assert "non è ancora preparata" in home.run("backup-target", "now", code=1)
    backup_target.keep(home.state, BackupTarget(URL, KEY, "a1b2", "b", AT, AT))
    assert "backup-target" not in home.run("check")


def test_the_own_key_is_made_once_and_shown(home: Home) -> None:
    """For the server's administrator; it is the service's alone."""
    to(home, URL)
    key = home.run("backup-target", "key")
    assert key.startswith("ssh-ed25519 ")
    assert home.run("backup-target", "key") == key
    private = home.state / "secrets" / "backup_target_key"
    assert private.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" in private.read_text()
    backup_target.keep(home.state, BackupTarget(URL, KEY, "a1b2", "b", AT, AT, AT))
    shown = home.run("backup-target", "show")
    assert key.strip() in shown
    assert PRINT in shown
    assert "ultima copia intera mer 25 novembre 2026, 03:05" in shown
    told = json.loads(home.run("backup-target", "key", "--json"))
    assert told["it"] == key.strip()


def test_smb_has_no_key(home: Home) -> None:
    """Its account has a password."""
    to(home, "smb://copie@nas.test/copie")
    assert "solo una cartella sftp://" in home.run("backup-target", "key", code=1)
    assert "un server SMB non presenta chiavi" in home.run("backup-target", "look", code=1)
    assert "Chiave" not in home.run("backup-target", "show")


def test_a_servers_key_is_never_taken_silently(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever sets it up reads its fingerprint and says yes, or has named it; nothing else goes."""
    to(home, URL)

    def offered(address: BackupAddress) -> str:
        assert address.host == "nas.test"
        return KEY

    monkeypatch.setattr(backup_target, "offered_key", offered)
    assert PRINT in home.run("backup-target", "look")
    assert backup_target.offered(home.state, URL) == PRINT
    assert backup_target.offered(home.state, "sftp://other@nas.test/x") == ""
    phrase = ("--passphrase-file", str(home.phrase))
    said = home.run("backup-target", "set-up", *phrase, typed="\n", code=1)
    assert PRINT in said
    assert "non è stata accettata: nulla è cambiato" in said
    wrong = ("--host-key", "SHA256:x", *phrase)
    assert "presenta la chiave" in home.run("backup-target", "set-up", *wrong, code=1)
    assert backup_target.load(home.state) is None
    short = tmp_path / "short"
    short.write_text("corta\n")
    named = ("--host-key", PRINT, "--passphrase-file", str(short))
    assert "12 caratteri" in home.run("backup-target", "set-up", *named, code=1)
    assert home.run("backup-target", "forget").startswith("Da ora nessuna copia")


def test_a_web_servers_certificate_is_compared_or_vouched_for(home: Home, tmp_path: Path) -> None:
    """One of an unknown authority is shown and accepted by a person or by its fingerprint; one that
    an authority vouches for is nobody's question. The first backup then lies there.
    """
    password = tmp_path / "password"
    password.write_text("segreto\n")
    secrets = ("--passphrase-file", str(home.phrase), "--password-file", str(password))
    with odd_server(tmp_path / "dav") as (server, certified):
        plain = home.config.read_text("utf-8")
        to(home, server.address)
        shown = certified.fingerprint
        assert f"presenta il certificato {shown}" in home.run("backup-target", "look")
        assert backup_target.offered(home.state, server.address) == shown
        said = home.run("backup-target", "set-up", *secrets, typed="no\n", code=1)
        assert shown in said
        assert "nulla è cambiato" in said
        wrong = ("--host-key", "AB:CD", *secrets)
        assert "presenta il certificato" in home.run("backup-target", "set-up", *wrong, code=1)
        asked = json.dumps({"host_key": "", "passphrase": "x" * 12, "password": "x"})
        said = home.run("backup-target", "set-up", "--asked", typed=f"{asked}\n", code=1)
        assert "chiedere al server il suo certificato" in said
        assert server.files == {}
        said = home.run("backup-target", "set-up", "--host-key", shown, *secrets)
        assert "riletta per intero" in said
        assert shown in home.run("backup-target", "show")
        home.config.write_text(
            f'{plain}\n[backup]\ntarget = "{server.address}"\nca_file = "{certified.authority}"\n'
        )
        assert "non c'è nulla da confrontare" in home.run("backup-target", "look")
        assert "riletta per intero" in home.run("backup-target", "set-up", *secrets)
        assert "Certificato del server" not in home.run("backup-target", "show")
        assert home.run("backup-target", "list").split() == sorted(
            path.rpartition("/")[2] for path in server.files
        )
    assert len(server.files) == 2
