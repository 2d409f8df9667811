"""`box settings`: the head office's settings of many boxes, stages of an update, age of backups."""

from __future__ import annotations

import contextlib
import getpass
import http.client
import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import ShowStatus
from appliance.api.technician_commands import LoadManagedConfig
from appliance.commands import settings as own
from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.downloads import SettingsServer
from appliance.commands.options import (
    config_option,
    control_socket_path,
    in_language,
    made_folder,
)
from appliance.config.read import read_text, structure
from appliance.config.rollout_file import parse_rollout, rollout_text
from appliance.config.state_folder import UPDATES
from appliance.config.values import backup_address
from appliance.errors import CentralinoError, OfficeError
from appliance.files import PRIVATE, READABLE, atomic_write
from appliance.managed_config.bundle import LARGEST
from appliance.policy import managed_config
from appliance.policy.collected_backups import CollectedBackup, newest_backup
from appliance.policy.rollout import (
    BoxReport,
    Rollout,
    Stage,
    advanced,
    box_words,
    check_rollout,
    stage_words,
)
from appliance.policy.text import Refused, os_error_words, words_of
from appliance.text import Words, _, counted
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.managed_config.apply import ApplyStamp, JudgedBundle, ManagedBox


# ---- rollout: the stages of an update for all boxes, at the head office --------------------------

BOXES: Final = "boxes.toml"
"""File in the head office's folder that names the boxes; it is in no bundle."""
LIMIT_S: Final = 10.0
LARGEST_PAGE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class BoxesFile:
    """The whole of boxes.toml: the address of each box's figures, by branch."""

    boxes: dict[str, str]


@click.command("rollout")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--begin", default="", metavar="VERSION", help="Begin anew, with this version.")
@click.option("--first", default="", metavar="BRANCH", help="With --begin: the one first box.")
@click.option("--percent", type=int, default=10, help="With --begin: size of the second stage.")
@click.option("--hours", type=int, default=24, help="With --begin: least duration of a stage.")
@click.option("--stop", is_flag=True, help="No box takes the version any more.")
def rollout(folder: Path, begin: str, first: str, percent: int, hours: int, *, stop: bool) -> None:
    """Look at all boxes of FOLDER/boxes.toml, and begin the next stage of the update if it is due.

    One box takes the version first, then a percentage, then all. A box that goes back to its
    former version stops the rollout. The stage is written into FOLDER/updates.toml, which
    `settings pack` takes.
    """
    if begin and stop:
        raise click.UsageError(in_language(_("--begin and --stop exclude each other")))
    before = None if begin else _read(folder / UPDATES)
    now = datetime.now(UTC).replace(microsecond=0)
    if before is None:
        found = Rollout(begin, Stage.FIRST, first, now, percent, hours)
        check_rollout(found)
    elif stop:
        # Whatever state the boxes and their list are in.
        found = replace(before, stage=Stage.STOPPED, since=now)
    else:
        found = before
    if not stop:
        found = _looked_at(found, folder / BOXES, now)
    # Written only where it differs: whoever packs by a timer compares the file's time.
    if found != before:
        atomic_write(folder / UPDATES, rollout_text(found), mode=READABLE)
    click.echo(in_language(stage_words(found)))
    if found != before:
        click.echo(in_language(PACK_IT.filled(file=folder / UPDATES)))


def _looked_at(rollout: Rollout, boxes: Path, now: datetime) -> Rollout:
    """Query all boxes and say a line about each; return the rollout that follows."""
    reports = {branch: _report(address) for branch, address in sorted(_boxes(boxes).items())}
    found = advanced(rollout, reports, now)
    for branch, report in reports.items():
        click.echo(in_language(box_words(found, branch, report)))
    return found


PACK_IT: Final = _("{file} is written: pack the settings with a higher version")


def _boxes(file: Path) -> Mapping[str, str]:
    boxes = structure(read_text(file), BOXES, BoxesFile).boxes
    if wrong := [branch for branch, at in boxes.items() if not at.startswith(_SCHEMES)]:
        raise Refused(
            _(
                "{file}: write the address of the figures of {branch}, like "
                "http://192.168.1.10:9799/metrics",
                file=file,
                branch=wrong[0],
            )
        )
    return boxes


_SCHEMES: Final = ("http://", "https://")


def _read(file: Path) -> Rollout:
    if not file.exists():
        raise Refused(
            _("there is no {file}: begin a rollout by --begin VERSION --first BRANCH", file=file)
        )
    return parse_rollout(read_text(file), UPDATES)


def _report(address: str) -> BoxReport | None:
    """Query a box's figures; None if it does not answer as a box does."""
    # Imported here: no other command needs the library.
    from appliance.fleet.prometheus_page import box_report

    try:
        # No proxy: the boxes are in the municipality's own network.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=LIMIT_S) as answer:
            return box_report(answer.read(LARGEST_PAGE).decode())
    except (OSError, http.client.HTTPException, ValueError):
        return None


# ---- backups: how old the newest of each box is, at the head office ------------------------------

FILE = click.Path(path_type=Path, dir_okay=False)
NOT_LISTED: Final = _("{branch}: not named in {file}, so not looked at")
NO_PASSWORD: Final = _("name the password of the account on that server by --password-file")
ONLY_FOLDERS: Final = _(
    "{place} cannot be read from here: name a folder, or an address https:// or smb://"
)
NO_PLACE: Final = _("there is no folder {place}: name the one that holds a folder of each box")
Reader = Callable[[str], Mapping[str, int]]


@click.command("backups")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("place")
@click.option("--hours", type=click.IntRange(min=1), default=72, help="Older ones are late.")
@click.option("--zone", default="Europe/Rome", help="Time zone of the boxes.")
@click.option("--password-file", type=FILE, help="Its first line is the account's password.")
@click.option("--ca-file", default="", help="Certificates of a private authority.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def backups(
    folder: Path,
    place: str,
    hours: int,
    zone: str,
    password_file: Path | None,
    ca_file: str,
    *,
    as_json: bool,
) -> None:
    """Say how old the newest backup of each box of FOLDER/boxes.toml is; status 1 if one is late.

    PLACE has a folder of each box, by its branch's name: a folder here, or an address smb:// or
    https:// as in backup.target.
    """
    read, unnamed = _reader(place, password_file, ca_file)
    named = sorted(structure(read_text(folder / BOXES), BOXES, BoxesFile).boxes)
    now = datetime.now(UTC).replace(microsecond=0)
    limit = timedelta(hours=hours)
    found = [_backups_looked_at(branch, read, now, limit, _zone(zone)) for branch in named]
    if as_json:
        click.echo(json.dumps([_told(one, now) for one in found]))
    else:
        for one in found:
            click.echo(in_language(one.words(now)))
        for branch in sorted(set(unnamed) - set(named)):
            click.echo(in_language(NOT_LISTED.filled(branch=branch, file=folder / BOXES)))
    if any(one.is_late for one in found):
        raise SystemExit(1)


def _backups_looked_at(
    branch: str, read: Reader, now: datetime, limit: timedelta, zone: ZoneInfo
) -> CollectedBackup:
    try:
        return newest_backup(branch, read(branch), now, limit, zone)
    except Refused as error:
        return CollectedBackup(branch, why=error.words)
    except OSError as error:
        return CollectedBackup(branch, why=os_error_words(error))


def _reader(place: str, password_file: Path | None, ca_file: str) -> tuple[Reader, list[str]]:
    """Return the reader of a box's folder, and the names of all folders that it can list."""
    if "://" in place:
        return _remote(place, password_file, ca_file), []
    folder = Path(place)
    if not folder.is_dir():
        raise Refused(NO_PLACE.filled(place=place))

    def read(branch: str) -> dict[str, int]:
        if not (folder / branch).is_dir():
            return {}
        return {one.name: one.stat().st_size for one in (folder / branch).iterdir()}

    return read, [one.name for one in folder.iterdir() if one.is_dir()]


def _remote(place: str, password_file: Path | None, ca_file: str) -> Reader:
    # Imported here: no other command of the head office needs the clients.
    from appliance.commands.backup import first_line
    from appliance.service.backup_uploads import AcceptedTarget, place_of

    address = backup_address(place)
    if address.kind == "sftp":
        raise Refused(ONLY_FOLDERS.filled(place=place))
    if password_file is None:
        raise Refused(NO_PASSWORD)
    login = AcceptedTarget("", password=first_line(password_file), ca_file=ca_file)

    def read(branch: str) -> dict[str, int]:
        own = replace(address, folder=f"{address.folder}/{branch}")
        return place_of(own, Path(), login, Path()).listed()

    return read


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise Refused(_('{name!r} is no time zone; write e.g. "Europe/Rome"', name=name)) from error


def _told(one: CollectedBackup, now: datetime) -> dict[str, object]:
    hours = None if one.at is None else (now - one.at) // timedelta(hours=1)
    at = None if one.at is None else one.at.isoformat()
    names = {"branch": one.branch, "backup": one.name or None, "at": at}
    return names | {"hours": hours, "late": one.is_late}


# ---- settings of many boxes ----------------------------------------------------------------------

KEY, CERTIFICATE = "key.pem", "certificate.pem"
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command("key")
@click.argument("folder", type=FOLDER)
@click.option("--name", default="Centralino settings", help="Whose key it is.")
def make_key(folder: Path, name: str) -> None:
    """Make the head office's key in FOLDER: key.pem signs, certificate.pem goes to the boxes."""

    if (folder / KEY).exists() or (folder / CERTIFICATE).exists():
        raise Refused(
            _("there is a key in {folder} already: name another folder", folder=folder),
        )
    from appliance.managed_config.bundle import make_key_pair

    secret, certificate = make_key_pair(name)
    with made_folder(folder):
        atomic_write(folder / KEY, secret, mode=PRIVATE)
        atomic_write(folder / CERTIFICATE, certificate, mode=READABLE)
    said = _(
        "{key} signs and stays here; {certificate} goes to every box",
        key=folder / KEY,
        certificate=folder / CERTIFICATE,
    )
    click.echo(in_language(said))


@click.command("pack")
@click.argument("folder", type=FOLDER)
@click.option("--key", "key_file", type=FILE, required=True, help="key.pem of the head office.")
@click.option("--version", type=click.IntRange(min=1), required=True, help="Counted up each time.")
@click.option("--site", "sites", multiple=True, help="For this branch alone (central.branch).")
@click.option("--passphrase-file", type=FILE, help="Its first line seals the register.")
@click.option("--to", type=FILE, required=True, help="The file to be written.")
def pack_settings(
    folder: Path,
    key_file: Path,
    version: int,
    sites: tuple[str, ...],
    passphrase_file: Path | None,
    to: Path,
) -> None:
    """Make one signed file of FOLDER: schedule, rollout, register, sheets, announcements."""
    from appliance.managed_config import bundle

    files = bundle.read_folder(folder)
    found = bundle.content_of(files)
    if bundle.PLAIN_DIRECTORY in files and passphrase_file is None:
        raise Refused(
            _("the register holds undisclosed numbers: name --passphrase-file, which seals it"),
        )
    phrase = _first_line(passphrase_file) if passphrase_file else ""
    secret = key_file.read_bytes()
    made = bundle.SettingsBundle(version, sites, bundle.seal_directory(files, phrase))
    data = bundle.pack_bundle(made, lambda signed: bundle.sign_bundle(secret, signed))
    atomic_write(to, data, mode=READABLE)
    told = _(
        "{file}: version {version} for {whom}, {size} bytes: {sheets}, {offices}, {entries}, "
        "{announcements}",
        file=to,
        version=version,
        whom=", ".join(sites) or _("every branch"),
        size=len(data),
        sheets=counted("one sheet", "{number} sheets", len(found.sheets)),
        offices=counted("one office", "{number} offices", len(found.directory.units)),
        entries=counted("one entry", "{number} entries", len(found.directory.entered())),
        announcements=counted("one announcement", "{number} announcements", len(found.prompts)),
    )
    click.echo(in_language(told))


def _first_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").partition("\n")[0].strip()


BOX = "box"


@click.group()
def settings() -> None:
    """This box's settings; the head office's, one signed file for all branches."""


settings.add_command(make_key)
settings.add_command(pack_settings)
settings.add_command(rollout)
settings.add_command(backups)
for _command in (own.set_settings, own.diff, own.history, own.undo, own.confirm, own.serve):
    settings.add_command(_command)


@settings.command()
@click.argument("file", type=FILE, required=False)
@config_option
@both_option
def show(file: Path | None, config_path: Path, *, as_json: bool) -> None:
    """Show this box's settings; with FILE, verify it and say what it would change here."""
    if file is None:
        own.shown_settings(config_path, as_json=as_json)
        return
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(managed_config.bundle_words(here.judged(_read_bundle(file))))


@settings.command("apply")
@click.argument("file", type=FILE)
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@config_option
@both_option
def apply_(file: Path, by: str, config_path: Path, *, as_json: bool) -> None:
    """Verify FILE and put it in force, whole or not at all; calls that are on go on."""
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(here.brought(_read_bundle(file), by or _shell(), file.name))


@settings.command()
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@config_option
@both_option
def revert(by: str, config_path: Path, *, as_json: bool) -> None:
    """Go back to the settings that were in force before; what was declared stays declared."""
    with answering(config_path, as_json=as_json) as say:
        say(_Here.at(config_path).reverted(by or _shell()))


@settings.command()
@config_option
@both_option
def fetch(config_path: Path, *, as_json: bool) -> None:
    """Look at the head office's server, and put in force what is newer there."""
    from appliance.service import managed_config as central_said
    from appliance.service.managed_config import FetchOutcome as Outcome
    from appliance.service.managed_config import FetchResult as Said

    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        outcome, found, failed = here.fetched()
        if here.settings.central.server:
            at = datetime.now(UTC)
            central_said.keep(here.place.state, Said(at, Outcome(outcome), found))
        if failed is not None:
            raise failed
        say(found)


@settings.command()
@config_option
@both_option
def status(config_path: Path, *, as_json: bool) -> None:
    """Say which version is in force, since when, from where, and what came of the last look."""
    from appliance.service import managed_config as central_said
    from appliance.store import managed_config as records

    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        with here.place.reading() as connection:
            now = records.in_force(connection)
        said = central_said.load_central_said(here.place.state)
        zone = ZoneInfo(here.settings.site.zone)
        last = [managed_config.last_look_words(said.at, said.words, zone)] if said else []
        held = (now.version, now.at, now.by, now.source_shown) if now else None
        say(lines_of([managed_config.in_force_words(held, zone), *last]))


@dataclass(frozen=True, slots=True)
class _Here:
    """This box with its own configuration."""

    settings: Settings
    place: ManagedBox

    @classmethod
    def at(cls, config_path: Path) -> _Here:
        """Read the configuration; raises BadConfiguration."""
        from appliance.config import read as config
        from appliance.managed_config.apply import ManagedBox

        own = config.load_own(config_path)
        return cls(own, ManagedBox(own, datetime.now(UTC).year))

    def judged(self, data: bytes) -> JudgedBundle:
        """Check a bundle; raises Refused, BadConfiguration."""
        from appliance.managed_config import apply

        return apply.judge_bundle(self.place, data)

    def brought(self, data: bytes, by: str, source: str) -> Words:
        """Check and apply a bundle; a refusal is noted with user and reason, and raised."""
        from appliance.managed_config.apply import refusals_noted

        with refusals_noted(self.place, data, self._stamp(by, source)):
            return self.applied(self.judged(data), by, source)

    def applied(self, given: JudgedBundle, by: str, source: str) -> Words:
        """Apply a bundle unless it is in force; raises Refused, OSError."""

        if given.is_so_already:
            return managed_config.in_force_already_words(given.version)
        self._check_room(given)
        from appliance.managed_config.apply import apply_bundle

        changes = apply_bundle(self.place, given, self._stamp(by, source))
        is_told = self._tell_call_control(schedule=changes.is_configuration)
        return managed_config.applied_words(given.version, changes.words, is_told)

    def reverted(self, by: str) -> Words:
        """Revert to the former bundle; raises Refused, OSError."""
        from appliance.managed_config.apply import revert_bundle
        from appliance.store import managed_config as records

        version, changes = revert_bundle(self.place, self._stamp(by, records.REVERT))
        is_told = self._tell_call_control(schedule=changes.is_configuration)
        return managed_config.reverted_words(version, changes.words, is_told)

    def fetched(self) -> tuple[str, Words, Exception | None]:
        """Finish an interrupted application, ask the server, apply a newer bundle.

        Returns the outcome, its sentence, and the error to raise, None for none.
        """
        from appliance.managed_config import apply
        from appliance.managed_config.apply import refusals_noted
        from appliance.store import managed_config as records

        with apply.bundles_locked(self.place.state):
            apply.finish_interrupted(self.place)
        central = self.settings.central
        if not central.server:
            return "good", managed_config.NO_SERVER, None
        try:
            server = SettingsServer(central.server, central.ca_file, checks_dates=self._has_time())
            data = server.bundle(self.place.state)
        except (CentralinoError, OSError) as error:
            return "unreached", words_of(error), error
        try:
            with refusals_noted(self.place, data, self._stamp(BOX, central.server)):
                given = self.judged(data)
                with self.place.reading() as connection:
                    highest = records.highest(connection)
                # What people have reverted is not applied again by itself.
                if given.version == highest and not given.is_so_already and _was_left(self.place):
                    return "good", managed_config.taken_back_words(given.version), None
                return "good", self.applied(given, BOX, central.server), None
        except (CentralinoError, OSError) as error:
            return "refused", words_of(error), error

    def _stamp(self, by: str, source: str) -> ApplyStamp:
        from appliance.managed_config.apply import ApplyStamp

        return ApplyStamp(by, datetime.now(UTC).replace(microsecond=0), source)

    def _check_room(self, given: JudgedBundle) -> None:
        """Raise Refused if too little space would be left for messages."""
        # Messages come first.
        if spare_bytes(self.place.state) < 3 * len(given.data):
            raise Refused(
                _("there is not enough free space on the disk: messages come first"),
            )

    def _tell_call_control(self, *, schedule: bool) -> bool:
        """Have a running service load the new settings; return whether one runs."""
        from appliance.api import protocol

        with contextlib.suppress(OfficeError):
            wish = LoadManagedConfig(schedule=schedule)
            protocol.ask(control_socket_path(self.settings), wish.arguments(), limit=30.0)
            return True
        return False

    def _has_time(self) -> bool:
        """True if call control trusts its clock, or does not run."""
        from appliance.api import protocol

        with contextlib.suppress(OfficeError):
            socket = control_socket_path(self.settings)
            reply = protocol.send(socket, ShowStatus())
            return reply.status.clock_state.is_trusted
        return True


def _was_left(place: ManagedBox) -> bool:
    """True if people have reverted from the highest version so far."""
    from appliance.store import managed_config as records

    with place.reading() as connection:
        now = records.in_force(connection)
        return now is not None and now.version < records.highest(connection)


def _read_bundle(file: Path) -> bytes:
    """Read a bundle's file, at most one byte beyond the limit; raises OSError."""

    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _shell() -> str:
    from appliance.store.users import SHELL

    return f"{SHELL}{getpass.getuser()}"
