"""`centralino settings`: the head office's settings, made there, shown and put in force here."""

from __future__ import annotations

import contextlib
import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.commands.answering import answering, both_option, lines_of
from appliance.commands.options import config_option, desk_socket
from appliance.commands.settings_pack import key, pack
from appliance.errors import CentralinoError, OfficeError
from appliance.policy import managed_config
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused, Words
from appliance.voicemail.storage import spare_bytes

if TYPE_CHECKING:
    from appliance.config.schema import Settings
    from appliance.managed_config.apply import Judged, Place, Stamp

FILE = click.Path(path_type=Path, dir_okay=False)
BOX = "box"


@click.group()
def settings() -> None:
    """The head office's settings: one signed file for all branches."""


settings.add_command(key)
settings.add_command(pack)


@settings.command()
@click.argument("file", type=FILE)
@config_option
@both_option
def show(file: Path, config_path: Path, *, as_json: bool) -> None:
    """Verify FILE and say what it would change here; nothing is changed."""
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(managed_config.shown(here.judged(_read(file))))


@settings.command("apply")
@click.argument("file", type=FILE)
@click.option("--by", default="", help="Whom the list of changes names, instead of the shell.")
@config_option
@both_option
def apply_(file: Path, by: str, config_path: Path, *, as_json: bool) -> None:
    """Verify FILE and put it in force, whole or not at all; calls that are on go on."""
    with answering(config_path, as_json=as_json) as say:
        here = _Here.at(config_path)
        say(here.brought(_read(file), by or _shell(), file.name))


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
    from appliance.service.managed_config import Outcome, Said

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
        last = [managed_config.last_look(said.at, said.words, zone)] if said else []
        held = (now.version, now.at, now.by, now.source_shown) if now else None
        say(lines_of([managed_config.held(held, zone), *last]))


@dataclass(frozen=True, slots=True)
class _Here:
    """This box, by its own configuration."""

    settings: Settings
    place: Place

    @classmethod
    def at(cls, config_path: Path) -> _Here:
        """Read the configuration; raises BadConfiguration."""
        from appliance.config import read as config
        from appliance.managed_config.apply import Place

        own = config.load_own(config_path)
        return cls(own, Place(own, datetime.now(UTC).year))

    def judged(self, data: bytes) -> Judged:
        """Judge a bundle; raises Refused, BadConfiguration."""
        from appliance.managed_config import apply as judging

        return judging.judged(self.place, data)

    def brought(self, data: bytes, by: str, source: str) -> Words:
        """Judge a bundle and put it in force; a refusal is noted, by whom and why, and raised."""
        from appliance.managed_config.apply import refusals_noted

        with refusals_noted(self.place, data, self._stamp(by, source)):
            return self.applied(self.judged(data), by, source)

    def applied(self, given: Judged, by: str, source: str) -> Words:
        """Put it in force, unless it is; raises Refused, OSError."""
        from appliance.managed_config import apply as applying

        if given.is_so_already:
            return managed_config.so_already(given.version)
        self._check_room(given)
        changes = applying.apply_bundle(self.place, given, self._stamp(by, source))
        is_told = self._tell_desk(schedule=changes.schedule)
        return managed_config.applied(given.version, changes.words, is_told)

    def reverted(self, by: str) -> Words:
        """Go back; raises Refused, OSError."""
        from appliance.managed_config import apply as applying
        from appliance.store import managed_config as records

        version, changes = applying.revert(self.place, self._stamp(by, records.REVERT))
        is_told = self._tell_desk(schedule=changes.schedule)
        return managed_config.reverted(version, changes.words, is_told)

    def fetched(self) -> tuple[str, Words, Exception | None]:
        """Finish what was cut off, look at the server, put in force what is newer there.

        Returns how it ended, the sentence, and what is to be raised.
        """
        from appliance.commands.settings_fetch import Server
        from appliance.managed_config import apply as applying
        from appliance.managed_config import apply as keeping
        from appliance.managed_config.apply import refusals_noted
        from appliance.store import managed_config as records

        with keeping.bundles_locked(self.place.state):
            applying.settle(self.place)
        central = self.settings.central
        if not central.server:
            return "good", managed_config.NO_SERVER, None
        try:
            server = Server(central.server, central.ca_file, checks_dates=self._has_time())
            data = server.bundle(self.place.state)
        except (CentralinoError, OSError) as error:
            return "unreached", words_of(error), error
        try:
            with refusals_noted(self.place, data, self._stamp(BOX, central.server)):
                given = self.judged(data)
                with self.place.reading() as connection:
                    highest = records.highest(connection)
                if given.version == highest and not given.is_so_already and _was_left(self.place):
                    return "good", managed_config.left(given.version), None
                return "good", self.applied(given, BOX, central.server), None
        except (CentralinoError, OSError) as error:
            return "refused", words_of(error), error

    def _stamp(self, by: str, source: str) -> Stamp:
        from appliance.managed_config.apply import Stamp

        return Stamp(by, datetime.now(UTC).replace(microsecond=0), source)

    def _check_room(self, given: Judged) -> None:
        """Raise Refused where messages would want for room: they come first."""
        if spare_bytes(self.place.state) < 3 * len(given.data):
            raise Refused(
                "sul disco non c'è abbastanza spazio libero: i messaggi vengono prima",
                "there is not enough free space on the disk: messages come first",
            )

    def _tell_desk(self, *, schedule: bool) -> bool:
        """Have a running desk take over what is new; tells whether there is one."""
        from appliance.api import control_socket as door

        with contextlib.suppress(OfficeError):
            question = {"ask": "central_changed", "schedule": schedule}
            door.ask(desk_socket(self.settings), question, limit=30.0)
            return True
        return False

    def _has_time(self) -> bool:
        """Tell whether the desk trusts its clock; without a desk the machine's is all there is."""
        from appliance.api import control_socket as door

        with contextlib.suppress(OfficeError, LookupError, TypeError):
            answer = door.ask(desk_socket(self.settings), {"ask": "status"})
            return bool(answer["status"]["health"]["clock_trusted"])
        return True


def _was_left(place: Place) -> bool:
    """Tell whether people have gone back from the highest version there was."""
    from appliance.store import managed_config as records

    with place.reading() as connection:
        now = records.in_force(connection)
        return now is not None and now.version < records.highest(connection)


def _read(file: Path) -> bytes:
    """Read a bundle's file, never more than one may have; raises OSError."""
    from appliance.managed_config.bundle import LARGEST

    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _shell() -> str:
    from appliance.store.users import SHELL

    return f"{SHELL}{getpass.getuser()}"
