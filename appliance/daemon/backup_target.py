"""The backup target: a folder on another machine that gets a sealed backup each night.

`backup.target` names it; who sets it up accepts the server's key (SFTP) or types the account's
password (SMB), and a passphrase. What was accepted and when it last got a whole backup is kept in
the state folder, keys and passwords among the secrets: a restored card goes on by itself.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from appliance.daemon import backup_stick
from appliance.daemon.backup_stick import STALE
from appliance.daemon.secret_files import SECRETS
from appliance.files import atomic_write, load_text
from appliance.policy.hours import day_phrase, moment_words
from appliance.policy.requests import Mail
from appliance.policy.text import NOTHING, Refused, Words
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.config.schema import Settings
    from appliance.daemon.backup_stick import Stick

FILE: Final = "backup_target.json"
OFFERED: Final = "backup_target_offered.json"
"""The key that the server has presented to a box that does not trust it yet."""
KEY: Final = "backup_target_key"
"""The device's own key pair; the public half is beside it, `.pub`."""
PASSWORD: Final = "backup_target_password"  # noqa: S105 - a file's name
PHRASE: Final = "backup_target_passphrase"
PORTS: Final = {"sftp": 22, "smb": 445}
CODE: Final = "backup.target"
TEXTS: Final = ("address", "host_key", "mark", "by")
MAILED_AGAIN: Final = timedelta(days=7)
EPOCH: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, from which weeks are counted where no target was ever set up."""
SET_UP_COMMAND: Final = "sudo centralino backup-target set-up"
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+")
_NO_NAME: Final = re.compile(r'["\\*?\[\]\x00-\x1f\x7f]')
"""What is no plain letter to SFTP's commands, or in no name of Windows."""

NOT_SET_UP: Final = Words(
    "backup.target indica una cartella di rete che non è ancora preparata per le copie di "
    f"sicurezza: {SET_UP_COMMAND}",
    "backup.target names a network folder that is not set up for backups yet: " + SET_UP_COMMAND,
)
NONE_CONFIGURED: Final = (
    "nessuna cartella di rete è configurata: scrivere backup.target in centralino.toml",
    "no network folder is configured: write backup.target into centralino.toml",
)
CHANGED: Final = Words(
    "backup.target non è più la cartella di rete che fu preparata per le copie di sicurezza: "
    f"ripetere {SET_UP_COMMAND}",
    "backup.target is no longer the network folder that was set up for backups: run "
    f"{SET_UP_COMMAND} again",
)
LATE: Final = Words(
    "La cartella di rete delle copie di sicurezza non riceve una copia intera {when}: {why}.",
    "The network folder has had no whole backup {when}: {why}.",
)
NOT_TRIED: Final = Words(
    "guardare la pagina Copia di sicurezza", "look at the page Backup and restore"
)
STANDING: Final = Words(
    "Cartella di rete delle copie di sicurezza ({}): ultima copia intera {}",
    "Network folder for backups ({}): last whole backup {}",
)
NO_ANSWER: Final = Words(
    "la copia non è finita nel tempo massimo: controllare il server e la rete",
    "the backup did not end in time: look at the server and the network",
)
SUBJECT: Final = Words(
    "{}: nessuna copia di sicurezza sulla cartella di rete",
    "{}: no backup on the network folder",
)
BODY: Final = Words(
    "{}\n\nL'apparecchio riprova da solo ogni ora. Lo stato si legge nella pagina Impianto, "
    "Copia di sicurezza, o con: centralino backup-target show\n",
    "{}\n\nThe box tries again each hour. See the page Installation, Backup and "
    "restore, or centralino backup-target show\n",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target is: `folder` below the login's home or from the root (SFTP), or within a
    share, whose name is its first part (SMB).
    """

    kind: str
    user: str
    host: str
    port: int
    folder: str


@dataclass(frozen=True, slots=True)
class Target:
    """A target that was set up: as it was configured, the key that was accepted, and its tries.

    `mark` is in the names of this box's backups: another box may write into the same folder.
    `done` is when it last got a backup that was then read back whole, None for never.
    """

    address: str
    host_key: str
    mark: str
    by: str
    since: datetime
    done: datetime | None = None
    tried: datetime | None = None
    well: bool = True
    words: Words = NOTHING


def address_of(text: str) -> Address:
    """Read sftp://user@server/folder, or smb://user@server/share/folder; raises Refused."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _no_address(text) from error
    user, folder = unquote(parts.username or ""), unquote(parts.path).rstrip("/")
    if parts.password is not None:
        raise Refused(
            f"la password non si scrive qui: toglierla, la chiede {SET_UP_COMMAND}",
            f"the password is not written here: take it out, {SET_UP_COMMAND} asks for it",
        )
    is_whole = parts.scheme in PORTS and user and _HOST.fullmatch(host)
    if not is_whole or parts.query or parts.fragment or _is_odd(folder) or _is_odd_user(user):
        raise _no_address(text)
    if parts.scheme == "smb":
        folder = folder.strip("/")
        if not folder:
            raise Refused(
                "manca la condivisione: scrivere ad esempio smb://copie@nas.comune.it/copie",
                "the share is missing: write e.g. smb://backup@nas.example.org/backups",
            )
    return Address(parts.scheme, user, host, port or PORTS[parts.scheme], _at_home(folder))


def _is_odd(folder: str) -> bool:
    return bool(_NO_NAME.search(folder)) or ".." in folder.split("/")


def _is_odd_user(user: str) -> bool:
    """Tell what is no login's name; a domain stands before a semicolon (smb://DOMAIN;user@)."""
    return user.startswith("-") or bool(_NO_NAME.search(user))


def _at_home(folder: str) -> str:
    return folder.removeprefix("/~/") if folder != "/~" else ""


def _no_address(text: str) -> Refused:
    return Refused(
        f"{text!r} non è l'indirizzo di una cartella di rete: scrivere ad esempio "
        "sftp://copie@nas.comune.it/copie, o smb://copie@server.comune.it/condivisione/copie",
        f"{text!r} is no address of a network folder: write e.g. "
        "sftp://backup@nas.example.org/backups, or smb://backup@server.example.org/share/backups",
    )


# --- what is kept -----------------------------------------------------------------------------


def load(state: Path) -> Target | None:
    """Read which target was set up; None for none, or where it cannot be read."""
    try:
        told = json.loads(load_text(state / FILE))
        address, host_key, mark, by = (str(told[name]) for name in TEXTS)
        since, well = datetime.fromisoformat(told["since"]), bool(told["well"])
        done, tried = (_moment(told[name]) for name in ("done", "tried"))
        words = Words(str(told["it"]), str(told["en"]))
        return Target(address, host_key, mark, by, since, done, tried, well, words)
    except (ValueError, KeyError, TypeError):
        return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def keep(state: Path, target: Target) -> None:
    """Keep it, durably; raises OSError."""
    told = {
        **{name: getattr(target, name) for name in TEXTS},
        "since": target.since.isoformat(),
        "done": target.done.isoformat() if target.done else None,
        "tried": target.tried.isoformat() if target.tried else None,
        "well": target.well,
        "it": target.words.it,
        "en": target.words.en,
    }
    atomic_write(state / FILE, json.dumps(told))


def forget(state: Path) -> None:
    """Write there no more; the device's key stays, the server knows it. Raises OSError."""
    for path in (state / FILE, state / SECRETS / PASSWORD, state / SECRETS / PHRASE):
        path.unlink(missing_ok=True)


def keep_offered(state: Path, address: str, host_key: str) -> None:
    """Keep which key a server has presented, for somebody to compare it; raises OSError."""
    atomic_write(state / OFFERED, json.dumps({"address": address, "host_key": host_key}))


def offered(state: Path, address: str) -> str:
    """Return the fingerprint of the key that the server of this address has presented, or ""."""
    try:
        told = json.loads(load_text(state / OFFERED))
        return fingerprint(str(told["host_key"])) if told["address"] == address else ""
    except (ValueError, LookupError, TypeError, Refused):
        return ""


def in_force(settings: Settings) -> Target:
    """Return the target that is configured and was set up; raises Refused."""
    if not settings.backup.target:
        raise Refused(*NONE_CONFIGURED)
    target = load(Path(settings.folders.state))
    if (wrong := wanted(settings, target)).en:
        raise Refused(wrong.it, wrong.en)
    assert target is not None
    return target


def wanted(settings: Settings, target: Target | None) -> Words:
    """Say that the configured target is still to be set up; nothing where it is, or none is."""
    if not settings.backup.target:
        return NOTHING
    if target is None:
        return NOT_SET_UP
    return NOTHING if target.address == settings.backup.target else CHANGED


def fingerprint(host_key: str) -> str:
    """Write a server's public key as people compare it, and as OpenSSH does; raises Refused."""
    try:
        blob = base64.b64decode(host_key.split()[1], validate=True)
    except (LookupError, binascii.Error) as error:
        raise Refused("non è una chiave di un server", "it is no key of a server") from error
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


# --- what is said of it -----------------------------------------------------------------------


def trouble_of(
    settings: Settings, target: Target | None, now: datetime, zone: ZoneInfo
) -> Trouble | None:
    """Say that the target is not set up, or has had no whole backup for days, and why."""
    if (wrong := wanted(settings, target)).en:
        return Trouble(CODE, f"{wrong.it}.", f"{wrong.en}.")
    if target is None or not settings.backup.target:
        return None
    since = target.done or target.since
    if now - since <= STALE:
        return None
    on, why = since.astimezone(zone), NOT_TRIED if target.well else target.words
    it, en = (text.rstrip(".") for text in (why.it, why.en))
    return Trouble(
        CODE,
        LATE.it.format(when=day_phrase("dal", on, "it"), why=it),
        LATE.en.format(when=day_phrase("since", on, "en"), why=en),
    )


def said(settings: Settings, target: Target | None, zone: ZoneInfo) -> tuple[Words, ...]:
    """Say which folder gets backups and how old the last one is; () where none is configured."""
    if not settings.backup.target:
        return ()
    if (wrong := wanted(settings, target)).en:
        return (wrong,)
    assert target is not None
    it, en = "mai", "never"
    if target.done:
        done = target.done.astimezone(zone)
        it, en = moment_words(done, "it"), moment_words(done, "en")
    return (Words(STANDING.it.format(target.address, it), STANDING.en.format(target.address, en)),)


def away_said(
    settings: Settings, stick: Stick | None, target: Target | None, zone: ZoneInfo
) -> tuple[Words, ...]:
    """Say how old what has left the card is, onto a stick or the network; or that nothing has."""
    other = settings.backup.folder or settings.backup.target
    return (*backup_stick.said(stick, other, zone), *said(settings, target, zone))


def mail_of(
    settings: Settings, trouble: Trouble, target: Target | None, now: datetime
) -> Mail | None:
    """Write to whom `backup.notify` names: once when it begins, again each week that it lasts.

    A key that is known is one letter (store/requests.py), also after a start of the service.
    """
    if not settings.backup.notify:
        return None
    since = (target.done or target.since) if target else EPOCH
    is_italian = settings.site.languages[0] == "it"
    subject, body = (words.it if is_italian else words.en for words in (SUBJECT, BODY))
    text = trouble.it if is_italian else trouble.en
    return Mail(
        f"{CODE}:{since:%Y%m%dT%H%M}:{max(0, (now - since) // MAILED_AGAIN)}",
        settings.backup.notify,
        subject.format(settings.site.name),
        body.format(text),
    )
