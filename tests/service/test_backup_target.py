"""The backup target as it is configured, kept, and said; what of its name is no address."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.config import read
from appliance.config.schema import Backup, Settings
from appliance.config.values import BackupAddress, backup_address
from appliance.policy.text import Refused
from appliance.service import backup_target
from appliance.service.backup import STALE
from appliance.service.backup_target import (
    CODE,
    NOT_SET_UP,
    BackupTarget,
    away_said,
    fingerprint,
    mail_of,
    trouble_of,
)
from tests.commands.samples import CONFIG
from tests.helpers.words import pair

ROME = ZoneInfo("Europe/Rome")
AT = datetime(2026, 11, 25, 2, 5, tzinfo=UTC)
URL = "sftp://copie@nas.comune.it/copie"
TARGET = BackupTarget(URL, "ssh-ed25519 AAAA", "a1b2", "beppe", AT, AT)


@pytest.fixture
def settings() -> Settings:
    """A configuration that names the target, and whom to mail to."""
    made = read.parse(CONFIG.format(folder="/nowhere"))
    return replace(made, backup=Backup(target=URL, notify="ced@comune.it"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (URL, BackupAddress("sftp", "copie", "nas.comune.it", 22, "/copie")),
        ("sftp://c@h:2222/a/b/", BackupAddress("sftp", "c", "h", 2222, "/a/b")),
        ("sftp://c@h", BackupAddress("sftp", "c", "h", 22, "")),
        ("sftp://c@h/~/copie", BackupAddress("sftp", "c", "h", 22, "copie")),
        ("sftp://c@[2001:db8::1]/x", BackupAddress("sftp", "c", "2001:db8::1", 22, "/x")),
        ("smb://c@h/Copie%20URP/x", BackupAddress("smb", "c", "h", 445, "Copie URP/x")),
        ("smb://COMUNE;c@h/x", BackupAddress("smb", "COMUNE;c", "h", 445, "x")),
        ("https://c@h/dav/~c/x/", BackupAddress("https", "c", "h", 443, "/dav/~c/x")),
        ("https://c@h:8443", BackupAddress("https", "c", "h", 8443, "")),
    ],
)
def test_addresses(text: str, address: BackupAddress) -> None:
    """As browsers and file managers write them."""
    assert backup_address(text) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sftp://c:segreta@h/x", "la password non si scrive qui"),
        ("smb://c@h/", "manca la condivisione"),
        ("sftp://h/x", "non è l'indirizzo"),
        ("https://h/x", "non è l'indirizzo"),
        ("http://c@h/x", "non è l'indirizzo"),
        ("https://c:segreta@h/x", "la password non si scrive qui"),
        ("ftp://c@h/x", "non è l'indirizzo"),
        ("sftp://c@-oProxyCommand=x/x", "non è l'indirizzo"),
        ("sftp://-oX@h/x", "non è l'indirizzo"),
        ("sftp://c@h:99999/x", "non è l'indirizzo"),
        ('sftp://c@h/a"b', "non è l'indirizzo"),
        ("sftp://c@h/a%0Aput", "non è l'indirizzo"),
        ("smb://c@h/x/../y", "non è l'indirizzo"),
        ("//server/copie", "non è l'indirizzo"),
        (r"\\server\copie", "non è l'indirizzo"),
        ("sftp://c@h/x?y=1", "non è l'indirizzo"),
    ],
)
def test_what_is_no_address(text: str, said: str) -> None:
    """Each says what to write; a password never stands in the file."""
    with pytest.raises(Refused) as error:
        backup_address(text)
    assert said in error.value.words.text("it")
    assert "segreta" not in error.value.words.text("it")


def test_it_is_kept_as_it_was(tmp_path: Path) -> None:
    """With what became of the last try; a broken file is no target."""
    target = replace(TARGET, tried=AT, well=False, words=pair("spento", "off"))
    backup_target.keep(tmp_path, target)
    assert backup_target.load(tmp_path) == target
    (tmp_path / backup_target.FILE).write_text('{"address": 1}')
    assert backup_target.load(tmp_path) is None
    backup_target.forget(tmp_path)
    backup_target.forget(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_fingerprint_is_what_openssh_says() -> None:
    """The one that the server's administrator reads; what is no key has none."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMKfde+3m2Ovm5z1nrQ7pFB9n3F9hSJlmYH7ejU2lh+U"
    assert fingerprint(key) == "SHA256:eyBIve9jYNNYiaB5ied6fXHE/R3ioSUgGJ24xWiSmW8"
    for wrong in ("", "ssh-ed25519", "ssh-ed25519 no"):
        with pytest.raises(Refused):
            fingerprint(wrong)


def test_configured_and_not_set_up_is_a_trouble_at_once(settings: Settings) -> None:
    """Nobody believes in a backup that nobody has set up; one of another address counts as none."""
    trouble = trouble_of(settings, None, AT, ROME)
    assert trouble is not None
    assert trouble.code == CODE
    assert trouble.words.text("it") == f"{NOT_SET_UP.text('it')}."
    changed = trouble_of(settings, replace(TARGET, address="smb://c@h/x"), AT, ROME)
    assert changed is not None
    assert "non è più la cartella" in changed.words.text("it")
    none = replace(settings, backup=Backup())
    assert trouble_of(none, TARGET, AT + timedelta(days=99), ROME) is None


def test_one_night_away_is_no_alarm(settings: Settings) -> None:
    """Three days are: with the day of the last whole one, and why."""
    assert trouble_of(settings, TARGET, AT + STALE, ROME) is None
    late = AT + STALE + timedelta(minutes=1)
    failed = replace(TARGET, well=False, words=pair("nas: spento.", "nas: off."))
    trouble = trouble_of(settings, failed, late, ROME)
    assert trouble is not None
    assert trouble.words.text("it").endswith(
        "non riceve una copia intera dal 25 novembre 2026: nas: spento."
    )
    untried = trouble_of(settings, replace(TARGET, done=None), late, ROME)
    assert untried is not None
    assert untried.words.text("en").endswith("look at the page Backup and restore.")


def test_what_status_says(settings: Settings) -> None:
    """Which folder and how old; that nothing leaves the card only where nothing does."""
    none = replace(settings, backup=Backup())
    assert "Nessuna copia di sicurezza automatica" in away_said(none, None, None, ROME)[0].text(
        "it"
    )
    assert away_said(settings, None, None, ROME) == (NOT_SET_UP,)
    (words,) = away_said(settings, None, TARGET, ROME)
    assert words.text("it") == (
        f"Cartella di rete delle copie di sicurezza ({URL}): ultima copia intera "
        "mer 25 novembre 2026, 03:05"
    )
    (words,) = away_said(settings, None, replace(TARGET, done=None), ROME)
    assert words.text("en").endswith("last whole backup never")


def test_somebody_is_mailed_once_a_week(settings: Settings) -> None:
    """One letter when it begins, one more each week that it lasts; to nobody where none is named;
    in the language of the house.
    """
    trouble = trouble_of(settings, None, AT, ROME)
    assert trouble is not None
    days = (0, 6, 7, 13, 14)
    keys = [mail_of(settings, trouble, TARGET, AT + timedelta(days=day)) for day in days]
    assert len({mail.key for mail in keys if mail}) == 3
    monday = AT - timedelta(days=2)
    week = [mail_of(settings, trouble, None, monday + timedelta(days=day)) for day in (0, 6, 7)]
    assert len({mail.key for mail in week if mail}) == 2
    (mail,) = (mail for mail in keys[:1] if mail)
    assert (mail.to, mail.subject) == (
        "ced@comune.it", "Test: nessuna copia di sicurezza sulla cartella di rete",
    )  # fmt: skip
    assert trouble.words.text("it") in mail.body
    site = replace(settings.site, languages=("en",))
    other = mail_of(replace(settings, site=site), trouble, None, AT)
    assert other is not None
    assert trouble.words.text("en") in other.body
    unnamed = replace(settings, backup=replace(settings.backup, notify=""))
    assert mail_of(unnamed, trouble, None, AT) is None
