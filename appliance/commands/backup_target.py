"""`centralino backup-target`: the folder on another machine that gets a backup each night."""

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
OFFERED: Final = _(
    "{host} presents this key ({kind}):\n"
    "  {print}\n"
    "Compare it with the one that the server shows. Is it the same? (yes/no)"
)
PRESENTED: Final = _("{host} presents the key {print}")
YES: Final = frozenset({"sì", "si'", "si", "s", "yes", "y"})
NOT_ACCEPTED: Final = _("the server's key was not accepted: nothing has changed")
OTHER_KEY: Final = _("{host} presents the key {found}, not {wanted}: nothing has changed")
NO_KEY: Final = _("only a folder sftp:// uses the key of the box: backup.target is {}")
NOTHING_THERE: Final = _("No backup.")
KEY_HINT: Final = _("Public key of the box, to be added on the server to the user {}:")
SERVERS_KEY: Final = _("Accepted key of the server: {}")
LAST_TRY: Final = _("Last try, {moment}: {outcome}")


@click.group("backup-target")
def backup_target() -> None:
    """Backups to a folder on another machine: SFTP, or SMB (Windows, NAS)."""


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
@click.option("--host-key", default="", help="The server's fingerprint, SHA256:...; else asked.")
@click.option("--passphrase-file", type=FILE, help=FIRST_LINE.format("passphrase"))
@click.option("--password-file", type=FILE, help=FIRST_LINE.format("SMB account's password"))
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
    """Answers from a browser; the key's fingerprint is never empty there."""

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
        accepted = _accepted_key(address, given.host_key)
    else:
        password = given.password()
    # The key is accepted before the passphrase is asked for.
    phrase = checked_passphrase(given.passphrase())
    return _target(settings, config).set_up(Accepted(phrase, accepted, password))


@backup_target.command("look")
@config_option
@both_option
def look(config_path: Path, *, as_json: bool) -> None:
    """Ask an SFTP server for its key and show the fingerprint; nothing is accepted."""
    from appliance.service import backup_target as kept
    from appliance.service import backup_target as target_sftp

    with answering(config_path, as_json=as_json) as say:
        settings, address = _configured(config_path)
        if address.kind != "sftp":
            raise Refused(NO_KEY.filled(settings.backup.target))
        key = target_sftp.offered_key(address)
        kept.keep_offered(Path(settings.folders.state), settings.backup.target, key)
        named = {"host": address.host, "print": kept.fingerprint(key)}
        say(PRESENTED.filled(**named))


def _accepted_key(address: BackupAddress, wanted: str) -> str:
    """Return the server's key, confirmed by a person or by `wanted`; raises Refused."""
    from appliance.service import backup_target as target_sftp
    from appliance.service.backup_target import fingerprint

    offered = target_sftp.offered_key(address)
    found = fingerprint(offered)
    # A fingerprint on the command line replaces the question.
    if wanted:
        if wanted != found:
            named = {"host": address.host, "found": found, "wanted": wanted}
            raise Refused(OTHER_KEY.filled(**named))
        return offered
    asked = OFFERED.filled(host=address.host, kind=offered.split()[0], print=found)
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
    """Fetch the backup NAME into FILE, for `centralino restore`."""
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
        if address.kind == "sftp":
            if target is not None and target.host_key:
                told.append(SERVERS_KEY.filled(kept.fingerprint(target.host_key)))
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
