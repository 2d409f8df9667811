"""`centralino box settings backups`: at the head office, how old each box's newest backup is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from appliance.commands.options import in_language
from appliance.commands.rollout import BOXES, BoxesFile
from appliance.config.read import read_text, structure
from appliance.config.values import backup_address
from appliance.policy.collected_backups import CollectedBackup, newest_backup
from appliance.policy.text import Refused, os_error_words
from appliance.text import _

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
    found = [_looked_at(branch, read, now, limit, _zone(zone)) for branch in named]
    if as_json:
        click.echo(json.dumps([_told(one, now) for one in found]))
    else:
        for one in found:
            click.echo(in_language(one.words(now)))
        for branch in sorted(set(unnamed) - set(named)):
            click.echo(in_language(NOT_LISTED.filled(branch=branch, file=folder / BOXES)))
    if any(one.is_late for one in found):
        raise SystemExit(1)


def _looked_at(
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
