"""The backup target: a folder on another machine that gets a sealed backup each night.

`backup.target` names it; the technician who sets it up accepts the server's key (SFTP), or enters
the account's password (SMB, HTTPS), and a passphrase. All this and the last whole backup's time are
kept in the state folder, keys and passwords among the secrets: a restored card goes on by itself.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.config.state_folder import SECRETS
from appliance.config.values import SET_UP_COMMAND, BackupAddress
from appliance.files import atomic_write, load_text, make_private
from appliance.policy.hours import day_phrase_words
from appliance.policy.mail import Mail
from appliance.policy.text import ERRNO_WORDS, Refused
from appliance.service import backup
from appliance.service.backup import STALE
from appliance.store.database import Trouble
from appliance.text import NOTHING, Words, _, in_context, stored

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from appliance.config.schema import Settings
    from appliance.service.backup import BackupStick


FILE: Final = "backup_target.json"
# First word of an accepted certificate (HTTPS), before its DER form in base64; that of a key is its
# kind.
CERTIFICATE: Final = "x509"
# File of a key that a server has presented and nobody has accepted yet.
OFFERED: Final = "backup_target_offered.json"
# The device's own key pair; the public half is beside it, `.pub`.
KEY: Final = "backup_target_key"
PASSWORD: Final = "backup_target_password"  # noqa: S105 - a file's name
PHRASE: Final = "backup_target_passphrase"
CODE: Final = "backup.target"
TEXTS: Final = ("address", "host_key", "mark", "by")
MAILED_AGAIN: Final = timedelta(days=7)
# A Monday from which weeks of mails are counted if no target was ever set up.
EPOCH: Final = datetime(2026, 1, 5, tzinfo=UTC)

NOT_SET_UP: Final = _(
    "backup.target names a network folder that is not set up for backups yet: {set_up_command}",
    set_up_command=SET_UP_COMMAND,
)
NONE_CONFIGURED: Final = _(
    "no network folder is configured: write backup.target into centralino.toml"
)
CHANGED: Final = _(
    "backup.target is no longer the network folder that was set up for "
    "backups: run {set_up_command} again",
    set_up_command=SET_UP_COMMAND,
)
LATE: Final = _("The network folder has had no whole backup {when}: {why}")
NOT_TRIED: Final = _("look at the page Backup and restore")
STANDING: Final = _("Network folder for backups ({address}): last whole backup {when}")
NO_ANSWER: Final = _("the backup did not end in time: look at the server and the network")
# Refusals of a server, whatever it speaks.
LOGIN: Final = _(
    "{host} does not take the user {user} with this password: look at the account (expired, "
    "locked?), then run {set_up_command} again"
)
DENIED: Final = _("on {host} the user {user} may not write in the folder {folder}: allow it")
NO_FOLDER: Final = _("there is no folder {folder} on {host}: make it, or correct backup.target")
FULL: Final = _("there is not enough room on {host}: free some, or lower backup.keep")
SUBJECT: Final = _("{site}: no backup on the network folder")
BODY: Final = _(
    "{trouble}\n"
    "\n"
    "The box tries again each hour. See the page Installation, Backup and "
    "restore, or centralino box backup-target show\n"
)


@dataclass(frozen=True, slots=True)
class BackupTarget:
    """A target that was set up: configured address, accepted key, last try."""

    address: str
    host_key: str
    # Part of the names of this appliance's backups: another one may write to the same folder.
    mark: str
    by: str
    since: datetime
    # The last backup that was then read back whole, None for never.
    done: datetime | None = None
    tried: datetime | None = None
    well: bool = True
    words: Words = NOTHING


def load(state: Path) -> BackupTarget | None:
    """Read the target that was set up; None if absent or malformed."""
    try:
        told = json.loads(load_text(state / FILE))
        address, host_key, mark, by = (str(told[name]) for name in TEXTS)
        since, well = datetime.fromisoformat(told["since"]), bool(told["well"])
        done, tried = (_moment(told[name]) for name in ("done", "tried"))
        words = stored(told)
        return BackupTarget(address, host_key, mark, by, since, done, tried, well, words)
    except (ValueError, KeyError, TypeError):
        return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def keep(state: Path, target: BackupTarget) -> None:
    """Write the target's state, durably; raises OSError."""
    told = {
        **{name: getattr(target, name) for name in TEXTS},
        "since": target.since.isoformat(),
        "done": target.done.isoformat() if target.done else None,
        "tried": target.tried.isoformat() if target.tried else None,
        "well": target.well,
        **target.words.by_language(),
    }
    atomic_write(state / FILE, json.dumps(told))


def forget(state: Path) -> None:
    """Delete the target's state and secrets; raises OSError."""
    # The appliance's own key stays: the server knows it.
    for path in (state / FILE, state / SECRETS / PASSWORD, state / SECRETS / PHRASE):
        path.unlink(missing_ok=True)


def keep_offered(state: Path, address: str, host_key: str) -> None:
    """Store the key that a server has presented, for a person to compare; raises OSError."""
    # A key is never accepted by itself: a person compares its fingerprint with the server's.
    atomic_write(state / OFFERED, json.dumps({"address": address, "host_key": host_key}))


def offered(state: Path, address: str) -> str:
    """Return the fingerprint of the key presented by the server of an address, "" for none."""
    try:
        told = json.loads(load_text(state / OFFERED))
        return fingerprint(str(told["host_key"])) if told["address"] == address else ""
    except (ValueError, LookupError, TypeError, Refused):
        return ""


def in_force(settings: Settings) -> BackupTarget:
    """Return the target that is configured and was set up; raises Refused."""
    if not settings.backup.target:
        raise Refused(NONE_CONFIGURED)
    target = load(Path(settings.folders.state))
    if (wrong := wanted(settings, target)) != NOTHING:
        raise Refused(wrong)
    assert target is not None
    return target


def wanted(settings: Settings, target: BackupTarget | None) -> Words:
    """Return the sentence that the configured target must be set up; NOTHING if it need not."""
    if not settings.backup.target:
        return NOTHING
    if target is None:
        return NOT_SET_UP
    return NOTHING if target.address == settings.backup.target else CHANGED


def fingerprint(host_key: str) -> str:
    """Return a server key's fingerprint in OpenSSH's form, a certificate's as browsers show it.

    Raises Refused.
    """
    try:
        kind, blob = host_key.split()[0], base64.b64decode(host_key.split()[1], validate=True)
    except (LookupError, binascii.Error) as error:
        raise Refused(_("it is no key of a server")) from error
    if kind == CERTIFICATE:
        return hashlib.sha256(blob).digest().hex(":").upper()
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def trouble_of(
    settings: Settings, target: BackupTarget | None, now: datetime, zone: ZoneInfo
) -> Trouble | None:
    """Return the trouble for a target not set up, or without a whole backup for days."""
    if (wrong := wanted(settings, target)) != NOTHING:
        return Trouble(CODE, backup.with_full_stop(wrong))
    if target is None or not settings.backup.target:
        return None
    since = target.done or target.since
    if now - since <= STALE:
        return None
    on, why = since.astimezone(zone), NOT_TRIED if target.well else target.words
    when = day_phrase_words(in_context("day", "since"), on)
    return Trouble(CODE, backup.with_full_stop(LATE.filled(when=when, why=why)))


def said(settings: Settings, target: BackupTarget | None, zone: ZoneInfo) -> tuple[Words, ...]:
    """Return sentences on the target and its last backup; () if none is configured."""
    if not settings.backup.target:
        return ()
    if (wrong := wanted(settings, target)) != NOTHING:
        return (wrong,)
    assert target is not None
    return (STANDING.filled(address=target.address, when=backup.done_words(target.done, zone)),)


def away_said(
    settings: Settings, stick: BackupStick | None, target: BackupTarget | None, zone: ZoneInfo
) -> tuple[Words, ...]:
    """Return sentences on the last backups on stick and network, or that there is none."""
    other = settings.backup.folder or settings.backup.target
    return (*backup.said(stick, other, zone), *said(settings, target, zone))


def mail_of(
    settings: Settings, trouble: Trouble, target: BackupTarget | None, now: datetime
) -> Mail | None:
    """Return the mail about a trouble to `backup.notify`, one a week; None if no address is set."""
    if not settings.backup.notify:
        return None
    since = (target.done or target.since) if target else EPOCH
    language = settings.site.languages[0]
    # The outbox keeps one mail a key, also over a restart of the service (store/outbox.py).
    return Mail(
        f"{CODE}:{since:%Y%m%dT%H%M}:{max(0, (now - since) // MAILED_AGAIN)}",
        settings.backup.notify,
        SUBJECT.filled(site=settings.site.name).text(language),
        BODY.filled(trouble=trouble.words).text(language),
    )


# SFTP by OpenSSH's own client, without prompts: the appliance's key logs in, no password; a server
# with another key than the accepted one is refused before anything is sent.

# Kinds of server keys, the preferred first.
KINDS: Final = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ssh-rsa")
ALIAS: Final = "backup-target"
CONNECT_S: Final = 20
LEAST_S: Final = 120.0
# Slowest transfer (bytes a second) before it is given up.
SLOWEST: Final = 50_000
NAME: Final = re.compile(r"[\w.-]+")
# OpenSSH's texts of system errors, the most specific first.
_SSH_ERRNOS: Final = (
    ("Connection refused", errno.ECONNREFUSED),
    ("Temporary failure in name", -3),
    ("resolve hostname", -2),
    ("getaddrinfo", -2),
    ("Name or service not known", -2),
    ("No route to host", errno.EHOSTUNREACH),
    ("Network is unreachable", errno.ENETUNREACH),
    ("timed out", errno.ETIMEDOUT),
    ("not responding", errno.ETIMEDOUT),
    ("reset by peer", errno.ECONNRESET),
    ("closed by", errno.ECONNRESET),
    ("Connection closed", errno.ECONNRESET),
    ("Broken pipe", errno.ECONNRESET),
)
_ROW: Final = re.compile(r"^-\S+\s+\S+\s+\S+\s+\S+\s+(\d+)\s.*\s([\w.-]+)$", re.MULTILINE)


def made_key(state: Path) -> str:
    """Return the appliance's public key, made at the first call; raises Refused, OSError."""
    private = state / SECRETS / KEY
    public = private.with_name(f"{KEY}.pub")
    if not (private.exists() and load_text(public)):
        make_private(private.parent)
        draft = private.with_name(f".{KEY}")
        for left in (draft, draft.with_name(f".{KEY}.pub")):
            left.unlink(missing_ok=True)
        _run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "centralino", "-f", str(draft)))
        for left, to in ((draft, private), (draft.with_name(f".{KEY}.pub"), public)):
            atomic_write(to, left.read_bytes())
            left.unlink()
    return load_text(public).strip()


def offered_key(address: BackupAddress) -> str:
    """Query the server's public key, for a person to compare; raises Refused."""
    asked = ("ssh-keyscan", "-T", str(CONNECT_S), "-p", str(address.port), "-t",
             "ed25519,ecdsa,rsa", "--", address.host)  # fmt: skip
    done = _run(asked, is_checked=False)
    rows = (line.split() for line in done.stdout.splitlines() if not line.startswith("#"))
    found = {row[1]: f"{row[1]} {row[2]}" for row in rows if len(row) == 3}
    for kind in KINDS:
        if kind in found:
            return found[kind]
    raise _away(address, done.stderr)


@dataclass(frozen=True, slots=True)
class Sftp:
    """Client of an SFTP folder; `work` is a folder of ours for the file with the server's key."""

    address: BackupAddress
    host_key: str
    state: Path
    work: Path

    def listed(self) -> dict[str, int]:
        """Return the files and their sizes (bytes); raises Refused."""
        return {name: int(size) for size, name in _ROW.findall(self._do("ls -ln"))}

    def put(self, file: Path, name: str) -> None:
        """Upload a file; raises Refused."""
        size = file.stat().st_size
        try:
            self._do(f'put "{file.name}" "{_checked(name)}"', size, file.parent)
        except _NotTaken as error:
            raise self._not_taken(error, size) from error

    def get(self, name: str, to: Path, size: int) -> None:
        """Download a file of about that size (bytes); raises Refused."""
        self._do(f'get "{_checked(name)}" "{to.name}"', size, to.parent)

    def rename(self, old: str, new: str) -> None:
        """Rename a file; raises Refused."""
        self._do(f'rename "{_checked(old)}" "{_checked(new)}"')

    def remove(self, name: str) -> None:
        """Delete a file; raises Refused."""
        self._do(f'rm "{_checked(name)}"')

    def _not_taken(self, error: _NotTaken, size: int) -> Refused:
        """Return the error for an upload that failed: no room, or the server's own words."""
        # A full disk is no more than "Failure" in SFTP: the free room is queried.
        try:
            told = self._do("df").splitlines()
            free = int(told[-1].split()[2]) * 1024
        except (Refused, LookupError, ValueError):
            return Refused(error.words)
        if free > size:
            return Refused(error.words)
        host = self.address.host
        return Refused(
            _("there is not enough room on {host}: free some, or lower backup.keep", host=host),
        )

    def _do(self, line: str, size: int = 0, folder: Path | None = None) -> str:
        """Run one sftp command in the folder; return its output. Raises Refused."""
        known = self.work / "known_hosts"
        atomic_write(known, f"{ALIAS} {self.host_key}\n", is_durable=False)
        batch = f'@cd "{self.address.folder}"\n' if self.address.folder else ""
        limit_s = LEAST_S + size / SLOWEST
        try:
            done = subprocess.run(
                self._command(known),
                input=f"{batch}@{line}\n",
                cwd=folder or self.work,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=limit_s,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise _hangs(self.address) from error
        except FileNotFoundError as error:
            raise _no_client() from error
        if done.returncode:
            raise self._refused(done.stderr)
        return done.stdout

    def _command(self, known: Path) -> tuple[str, ...]:
        # No prompt and no password (BatchMode, publickey); no key but the appliance's own
        # (IdentitiesOnly); no server key but the accepted one, kept under an alias, so that neither
        # the account's nor the system's files are asked.
        options = (
            "BatchMode=yes", "IdentitiesOnly=yes", "PreferredAuthentications=publickey",
            f"IdentityFile={self.state / SECRETS / KEY}", f"UserKnownHostsFile={known}",
            "GlobalKnownHostsFile=/dev/null", f"HostKeyAlias={ALIAS}", "UpdateHostKeys=no",
            "StrictHostKeyChecking=yes", f"ConnectTimeout={CONNECT_S}", "LogLevel=ERROR",
            "ServerAliveInterval=15", "ServerAliveCountMax=3", f"User={self.address.user}",
        )  # fmt: skip
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        words = tuple(f"-o{option}" for option in options)
        return ("sftp", "-b", "-", "-F", "/dev/null", "-P", str(self.address.port), *words, host)

    def _refused(self, said: str) -> Refused:
        """Return the error for OpenSSH's last words."""
        host, user = self.address.host, self.address.user
        if "Host key verification failed" in said:
            return Refused(
                _(
                    "the key of {host} is not the one that was accepted: if the server was "
                    "replaced run {set_up_command} again, else somebody poses as it",
                    host=host,
                    set_up_command=SET_UP_COMMAND,
                ),
            )
        if "Permission denied (" in said or "Too many authentication" in said:
            return Refused(
                _(
                    "{host} does not take the key of the box for the user {user}: add it there "
                    "(sudo centralino box backup-target key shows it)",
                    host=host,
                    user=user,
                ),
            )
        return self._of_the_folder(said)

    def _of_the_folder(self, said: str) -> Refused:
        host, folder, user = self.address.host, self.address.folder or "~", self.address.user
        if "No such file" in said or "not found" in said.lower():
            return Refused(
                _(
                    "there is no folder {folder} on {host}: make it, or correct backup.target",
                    folder=folder,
                    host=host,
                ),
            )
        if "Permission denied" in said:
            return Refused(
                _(
                    "on {host} the user {user} may not write in the folder {folder}: allow it",
                    host=host,
                    user=user,
                    folder=folder,
                ),
            )
        if ": Failure" in said or "No space" in said or "uota" in said:
            return _NotTaken(
                _(
                    "{host} does not take the file: look at room and quota of the folder {folder}",
                    host=host,
                    folder=folder,
                ),
            )
        return _away(self.address, said)


class _NotTaken(Refused):
    """Raised for an upload that the server refuses without a reason."""


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Refused(_("{name!r} is no backup's name", name=name))
    return name


def _hangs(address: BackupAddress) -> Refused:
    return Refused(
        _("{host} does not finish in time: look at the server and the network", host=address.host),
    )


def _away(address: BackupAddress, said: str) -> Refused:
    """Return the error for a server that is away; `said` are the client's last words."""
    number = next((number for text, number in _SSH_ERRNOS if text in said), errno.ETIMEDOUT)
    where = {"host": address.host, "port": address.port}
    return Refused(_("{host}, port {port}: {why}", why=ERRNO_WORDS[number], **where))


def _no_client() -> Refused:
    return Refused(
        _("the programme sftp is missing: install the package openssh-client"),
    )


def _run(words: tuple[str, ...], *, is_checked: bool = True) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=LEAST_S, check=False, env=_environment()
        )
    except FileNotFoundError as error:
        raise _no_client() from error
    if is_checked and done.returncode:
        why = " ".join(done.stderr.split())[:200]
        raise Refused(_("{command} fails: {why}", command=words[0], why=why))
    return done


def _environment() -> dict[str, str]:
    # English messages: they are searched for OpenSSH's texts.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
