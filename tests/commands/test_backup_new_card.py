"""A card that was restored: what its own file must say again is named, until it does."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pytest

from appliance.bootfile.values import CardNetwork, network_text
from appliance.commands.backup import RestoreHelper
from appliance.files import open_plain
from appliance.service import card_values
from appliance.service.backup import UPLOADED
from tests.commands.test_backup import Home
from tests.commands.test_backup_restore import Site, site
from tests.managed_config.samples import sound

__all__ = ["site"]
ADDRESS, HOST = "192.168.1.10/24", "centralino-borgo"


class Card:
    """The data partition of a card, as the image's helper fills it at a start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def say(self, address: str = "dhcp", hostname: str = "", keys: str = "") -> None:
        """Start with such a file on the card."""
        texts = {
            card_values.NETWORK: network_text(CardNetwork(address=address)),
            card_values.HOSTNAME: hostname,
            card_values.KEYS: keys,
        }
        for name, text in texts.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """The card that the box runs from."""
    monkeypatch.setattr(card_values, "DATA", tmp_path / "data")
    return Card(tmp_path / "data")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A box that has run."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "box" / "state"))
    made = Home(tmp_path / "box")
    made.fill()
    (made.folder / "own" / "it" / "closed.wav").write_bytes(sound())
    return made


def test_a_new_card_says_what_its_file_lacks(home: Home, card: Card) -> None:
    """At the restore's end and by `check`, each by its name in the file, until all is written."""
    card.say(ADDRESS, HOST, "ssh-ed25519 AAAA anna")
    home.save()
    assert "indirizzo fisso" not in home.run("check")
    card.say()
    said = home.put_back()
    assert f"L'apparecchio della copia aveva l'indirizzo fisso {ADDRESS}" in said, ascii(said)
    found = home.run("check")
    for name in (f"indirizzo fisso {ADDRESS}", f"si chiamava {HOST}", "keys sotto [ssh]"):
        assert name in found
    card.say(ADDRESS)
    found = home.run("check")
    assert ("indirizzo fisso" in found, HOST in found) == (False, True)
    # The office has moved: whatever the card's file says now is meant.
    card.say("10.0.0.7/24", "other", "ssh-ed25519 BBBB beppe")
    assert "della copia" not in home.run("check")


def test_what_is_meant_to_be_otherwise_is_said_no_more(home: Home, card: Card) -> None:
    """The sentence names the file to delete."""
    card.say(ADDRESS)
    home.save()
    card.say()
    home.put_back()
    note = home.state / card_values.NOTE
    assert str(note) in home.run("check")
    note.unlink()
    assert "della copia" not in home.run("check")


def test_what_a_card_still_lacks_is_in_its_own_backups(home: Home, card: Card) -> None:
    """The next card says it as well; one of a box that lacked nothing takes the note away."""
    card.say(ADDRESS)
    home.save()
    card.say()
    home.put_back()
    home.backup.unlink()
    home.save()
    (home.state / card_values.NOTE).unlink()
    home.put_back()
    assert ADDRESS in home.run("check")
    (home.state / card_values.NOTE).write_text("{")
    home.backup.unlink()
    home.save()
    assert "della copia" not in home.put_back()
    assert not (home.state / card_values.NOTE).exists()


def test_a_box_without_a_card_file_says_nothing(home: Home, card: Card) -> None:
    """Made from the package: the system's own settings hold."""
    card.say(ADDRESS)
    home.save()
    for path in sorted(card.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    card.folder.rmdir()
    assert "della copia" not in home.put_back()
    assert "della copia" not in home.run("check")


def test_in_the_browser_too(site: Site, card: Card) -> None:
    """The page shows what the helper has said."""
    card.say(ADDRESS)
    site.home.backup.unlink()
    site.home.save()
    (site.console / UPLOADED).write_bytes(site.home.backup.read_bytes())
    card.say()
    site.ask()
    said = RestoreHelper(site.home.config, site.run, idle_s=0.0).turn()
    assert said.text("en").count(f"The box of the backup had the fixed address {ADDRESS}") == 1


def test_an_authority_that_could_not_be_read_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the check, at the restore's end, in the browser; half of it replaces no whole one."""
    tls = site.console / "tls"
    tls.mkdir()
    for name in ("ca.crt", "ca.key"):
        (tls / name).write_text("the backup's")

    def closed(path: Path) -> IO[bytes]:
        if path.name == "ca.key":
            raise PermissionError(13, "Permission denied")
        return open_plain(path)

    site.home.backup.unlink()
    with monkeypatch.context() as patched:
        patched.setattr("appliance.service.backup.open_plain", closed)
        site.home.save()
    for name in ("ca.crt", "ca.key"):
        (tls / name).write_text("the card's")
    said = "L'autorità di certificazione della console non è in questa copia"
    assert said in site.home.put_back("--check")
    assert said in site.home.put_back()
    (site.console / UPLOADED).parent.mkdir(parents=True, exist_ok=True)
    (site.console / UPLOADED).write_bytes(site.home.backup.read_bytes())
    site.ask()
    shown = RestoreHelper(site.home.config, site.run, idle_s=0.0).turn()
    assert said in shown.text("it")
    assert {path.read_text() for path in tls.iterdir()} == {"the card's"}
    site.home.backup.unlink()
    site.home.save()
    (tls / "ca.key").unlink()
    assert said not in site.home.put_back()
    assert (tls / "ca.key").read_text() == "the card's"
