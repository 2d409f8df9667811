"""`centralino box backup-target`: the folder on another machine that gets a backup each night."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import answering, ask_secret, both_option, lines_of
from appliance.commands.options import config_option, in_language, load_settings
from appliance.policy.hours import moment_words
from appliance.policy.text import Refused
from appliance.text import Words, _, by_language, unchanged

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.config.values import BackupAddress
    from appliance.service.backup_uploads import BackupUpload

FILE = click.Path(path_type=Path, dir_okay=False)
FIRST_LINE = "Its first line is the {}; without it, it is asked for."
KEY_HELP = "The server's fingerprint: SHA256:... of a key, AB:CD:... of a certificate; else asked."
OFFERED: Final = _(
    "{host} presents this key ({kind}):\n"
    "  {print}\n"
    "Compare it with the one that the server shows. Is it the same? (yes/no)"
)
CERTIFICATE_OFFERED: Final = _(
    "{host} presents a certificate whose authority the box does not know (SHA-256):\n"
    "  {print}\n"
    "Compare it with the one that the server shows. Is it the same? (yes/no)"
)
PRESENTED: Final = _("{host} presents the key {print}")
CERTIFICATE_PRESENTED: Final = _("{host} presents the certificate {print}")
VOUCHED: Final = _(
    "An authority that the box knows vouches for the certificate of {host}: there is nothing to "
    "compare."
)
YES: Final = frozenset({"sì", "si'", "si", "s", "ja", "j", "yes", "y"})
NOT_ACCEPTED: Final = _("the server's key was not accepted: nothing has changed")
OTHER_KEY: Final = _("{host} presents the key {found}, not {wanted}: nothing has changed")
OTHER_CERTIFICATE: Final = _(
    "{host} presents the certificate {found}, not {wanted}: nothing has changed"
)
NOT_COMPARED: Final = _(
    "the box does not know the authority of the certificate of {host}: ask the server for its "
    "certificate and compare it, or name the authority in backup.ca_file"
)
NO_PROOF: Final = _(
    "an SMB server presents no key: the account's password proves it; backup.target is {}"
)
NO_KEY: Final = _("only a folder sftp:// uses the key of the box: backup.target is {}")
NOTHING_THERE: Final = _("No backup.")
KEY_HINT: Final = _("Public key of the box, to be added on the server to the user {}:")
SERVERS_KEY: Final = _("Accepted key of the server: {}")
SERVERS_CERTIFICATE: Final = _("Accepted certificate of the server: {}")
LAST_TRY: Final = _("Last try, {moment}: {outcome}")


@click.group("backup-target")
def backup_target() -> None:
    """Backups to a folder on another machine: SFTP, SMB (Windows, NAS), HTTPS (WebDAV)."""


@backup_target.command("key")
@config_option
@both_option
def key(config_path: Path, *, as_json: bool) -> None:
    """Show the device's own public key, which an SFTP server has to know."""
    from appliance.service import backup_target as target_sftp

    with answering(config_path, as_json=as_json) as say:
        settings, address = _configured(config_path)
        if address.kind != "sftp":
            where = settings.backup.target
            raise Refused(NO_KEY.filled(where))
        made = target_sftp.made_key(Path(settings.folders.state))
        say(unchanged(made))


@backup_target.command("set-up")
@config_option
@click.option("--host-key", default="", help=KEY_HELP)
@click.option("--passphrase-file", type=FILE, help=FIRST_LINE.format("passphrase"))
@click.option(
    "--password-file", type=FILE, help=FIRST_LINE.format("account's password (SMB, HTTPS)")
)
@click.option("--asked", is_flag=True, hidden=True, help="As the console asks for it.")
@both_option
def set_up(
    config_path: Path,
    host_key: str,
    passphrase_file: Path | None,
    password_file: Path | None,
    *,
    asked: bool,
    as_json: bool,
) -> None:
    """Take the folder of backup.target for backups, and write the first one."""
    with answering(config_path, as_json=as_json) as say:
        settings, address = _configured(config_path)
        typed = _Typed(host_key, passphrase_file, password_file)
        say(_set_up(settings, config_path, address, _sent() if asked else typed))


@dataclass(frozen=True, slots=True)
class _Typed:
    """Answers at a terminal, prompted for unless a file has them."""

    host_key: str
    passphrase_file: Path | None
    password_file: Path | None

    def passphrase(self) -> str:
        return _secret("Passphrase", self.passphrase_file, is_new=True)

    def password(self) -> str:
        return _secret("Password", self.password_file)


@dataclass(frozen=True, slots=True)
class _Sent:
    """Answers from a browser; a key's fingerprint is never empty there."""

    host_key: str
    _passphrase: str
    _password: str

    def passphrase(self) -> str:
        return self._passphrase

    def password(self) -> str:
        return self._password


def _sent() -> _Sent:
    """Read call control's input: one line of JSON."""
    told = json.loads(click.get_text_stream("stdin").readline())
    return _Sent(*(str(told[name]) for name in ("host_key", "passphrase", "password")))


def _set_up(
    settings: Settings, config: Path, address: BackupAddress, given: _Typed | _Sent
) -> Words:
    from appliance.service import backup_target as target_sftp
    from appliance.service.backup_uploads import AcceptedTarget as Accepted
    from appliance.store.age import checked_passphrase

    accepted, password = "", ""
    if address.kind == "sftp":
        target_sftp.made_key(Path(settings.folders.state))
    if address.kind != "smb":
        asks = isinstance(given, _Typed)
        accepted = _accepted_key(settings, address, given.host_key, asks=asks)
    if address.kind != "sftp":
        password = given.password()
    # The key is accepted before the passphrase is asked for.
    phrase = checked_passphrase(given.passphrase())
    return _target(settings, config).set_up(Accepted(phrase, accepted, password))


@backup_target.command("look")
@config_option
@both_option
def look(config_path: Path, *, as_json: bool) -> None:
    """Ask a server for its key (SFTP) or certificate (HTTPS) and show the fingerprint; nothing is
    accepted.
    """
    from appliance.service import backup_target as kept

    with answering(config_path, as_json=as_json) as say:
        settings, address = _configured(config_path)
        if address.kind == "smb":
            raise Refused(NO_PROOF.filled(settings.backup.target))
        key = _offered(settings, address)
        if not key:
            say(VOUCHED.filled(host=address.host))
            return
        kept.keep_offered(Path(settings.folders.state), settings.backup.target, key)
        named = {"host": address.host, "print": kept.fingerprint(key)}
        shown = PRESENTED if address.kind == "sftp" else CERTIFICATE_PRESENTED
        say(shown.filled(**named))


def _offered(settings: Settings, address: BackupAddress, *, is_wanted: bool = False) -> str:
    """Return the key or certificate to be compared, "" for one that an authority vouches for;
    raises Refused.
    """
    from appliance.service import backup_target as target_sftp

    if address.kind == "sftp":
        return target_sftp.offered_key(address)
    from appliance.service.backup_https import offered_certificate

    return offered_certificate(address, settings.backup.ca_file, is_wanted=is_wanted)


def _accepted_key(
    settings: Settings, address: BackupAddress, wanted: str, *, asks: bool = True
) -> str:
    """Return the server's key or certificate, confirmed by a person or by `wanted`, "" for a
    certificate that an authority vouches for; raises Refused.
    """
    from appliance.service.backup_target import fingerprint

    offered = _offered(settings, address, is_wanted=bool(wanted))
    if not offered:
        return ""
    found, is_key = fingerprint(offered), address.kind == "sftp"
    # A fingerprint on the command line replaces the question.
    if wanted:
        if wanted != found:
            named = {"host": address.host, "found": found, "wanted": wanted}
            raise Refused((OTHER_KEY if is_key else OTHER_CERTIFICATE).filled(**named))
        return offered
    if not asks:
        raise Refused(NOT_COMPARED.filled(host=address.host))
    words = OFFERED if is_key else CERTIFICATE_OFFERED
    asked = words.filled(host=address.host, kind=offered.split()[0], print=found)
    answer = click.prompt(in_language(asked), default="", show_default=False, err=True)
    if answer.strip().lower() not in YES:
        raise Refused(NOT_ACCEPTED)
    return offered


@backup_target.command("now")
@config_option
@both_option
def now(config_path: Path, *, as_json: bool) -> None:
    """Write a backup there now, as the box does each night."""
    _do(config_path, lambda target: target.write(), as_json=as_json)


@backup_target.command("list")
@config_option
@both_option
def list_(config_path: Path, *, as_json: bool) -> None:
    """List the backups there, the oldest first."""

    def names(target: BackupUpload) -> Words:
        found = target.names()
        return lines_of(map(unchanged, found)) if found else NOTHING_THERE

    _do(config_path, names, as_json=as_json)


@backup_target.command("fetch")
@click.argument("name")
@click.argument("file", type=FILE)
@config_option
@both_option
def fetch(name: str, file: Path, config_path: Path, *, as_json: bool) -> None:
    """Fetch the backup NAME into FILE, for `centralino box restore`."""
    _do(config_path, lambda target: target.fetch(name, file), as_json=as_json)


@backup_target.command("forget")
@config_option
@both_option
def forget(config_path: Path, *, as_json: bool) -> None:
    """Write no backup there any more."""
    _do(config_path, lambda target: target.forget(), as_json=as_json)


@backup_target.command("show")
@config_option
@both_option
def show(config_path: Path, *, as_json: bool) -> None:
    """Show how it stands: the folder, the last backup, the keys of server and box."""
    from appliance.service import backup_target as kept
    from appliance.service import backup_target as target_sftp

    with answering(config_path, as_json=as_json) as say:
        settings, address = _configured(config_path)
        state, zone = Path(settings.folders.state), ZoneInfo(settings.site.zone)
        target = kept.load(state)
        told = list(kept.said(settings, target, zone))
        if target is not None and target.tried is not None:
            at = target.tried.astimezone(zone)
            when = by_language(lambda language: moment_words(at, language))
            told.append(LAST_TRY.filled(moment=when, outcome=target.words))
        if target is not None and target.host_key:
            words = SERVERS_KEY if address.kind == "sftp" else SERVERS_CERTIFICATE
            told.append(words.filled(kept.fingerprint(target.host_key)))
        if address.kind == "sftp":
            made = target_sftp.made_key(state)
            told += [KEY_HINT.filled(address.user), unchanged(made)]
        say(lines_of(told))


def _do(config: Path, job: Callable[[BackupUpload], Words], *, as_json: bool) -> None:
    with answering(config, as_json=as_json) as say:
        say(job(_target(load_settings(config), config)))


def _target(settings: Settings, config: Path) -> BackupUpload:
    from appliance.service.backup_uploads import BackupUpload

    zone = ZoneInfo(settings.site.zone)
    return BackupUpload(settings, config, lambda: datetime.now(zone).replace(microsecond=0))


def _configured(config: Path) -> tuple[Settings, BackupAddress]:
    """Return the settings and the configured folder; raises Refused if none is configured."""
    from appliance.config.values import backup_address
    from appliance.service.backup_target import NONE_CONFIGURED

    settings = load_settings(config)
    if not settings.backup.target:
        raise Refused(NONE_CONFIGURED)
    return settings, backup_address(settings.backup.target)


def _secret(text: str, file: Path | None, *, is_new: bool = False) -> str:
    from appliance.commands.backup import first_line

    return ask_secret(text, is_confirmed=is_new, err=True) if file is None else first_line(file)
