"""`centralino box settings`: make the head office's settings, show and apply them."""

from __future__ import annotations

import contextlib
import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.api.commands import ShowStatus
from appliance.api.technician_commands import LoadManagedConfig
from appliance.commands import settings as own
from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.collected_backups import backups
from appliance.commands.downloads import SettingsServer
from appliance.commands.options import config_option, control_socket_path, in_language
from appliance.commands.rollout import rollout
from appliance.errors import CentralinoError, OfficeError
from appliance.files import PRIVATE, READABLE, atomic_write
from appliance.managed_config.bundle import LARGEST
from appliance.policy import managed_config
from appliance.policy.text import Refused, words_of
from appliance.text import Words, _, counted
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.managed_config.apply import ApplyStamp, JudgedBundle, ManagedBox


KEY, CERTIFICATE = "key.pem", "certificate.pem"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


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
    folder.mkdir(parents=True, exist_ok=True)
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
