"""Where the register lies, how commands read and change it, and how the running desk is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from appliance.api import control_socket
from appliance.commands.in_force import office_in_force
from appliance.commands.options import desk_socket, load_settings
from appliance.commands.shell import language_of
from appliance.config.schema import Settings
from appliance.errors import StoreError
from appliance.policy.directory import Register, Unit
from appliance.policy.directory_forms import Merged, in_force
from appliance.policy.hours import Schedule, read_day
from appliance.policy.text import Refused, Words
from appliance.service import policy_changes
from appliance.service.loop import records_made
from appliance.store import directory as store
from appliance.store.database import Noted, open_reader
from appliance.store.directory import Who, key_path
from appliance.store.policy_change import PolicyChange

if TYPE_CHECKING:
    import sqlite3

UNTOLD = Words(
    "Il centralino non è in funzione: leggerà la rubrica quando parte.",
    "The desk is not running: it will read the register when it starts.",
)
IN_FORCE = Words("In vigore da subito.", "In force at once.")


@dataclass
class Place:
    """The records of one configuration; raises Refused where the desk has made none yet."""

    config: Path

    @cached_property
    def settings(self) -> Settings:
        """Read the configuration when something of it is needed."""
        return load_settings(self.config)

    @property
    def zone(self) -> ZoneInfo:
        """Return the office's time zone."""
        return ZoneInfo(self.settings.site.zone)

    @cached_property
    def database(self) -> Path:
        """Find the records; raises Refused where the desk has made none yet."""
        return records_made(Path(self.settings.folders.state))

    @property
    def key(self) -> Path:
        """Say where the key of the numbers lies."""
        return key_path(self.database)

    def now(self) -> datetime:
        """Return the present second with the office's offset from UTC."""
        now = datetime.now(self.zone).replace(microsecond=0)
        return datetime.fromisoformat(now.isoformat())

    def calendar(self, year: int) -> Schedule:
        """Return the house's own hours, holidays and closures."""
        return office_in_force(self.settings, year, str(self.config)).switchboard.schedule

    def register(self) -> Register:
        """Read the register with its numbers."""
        with closing(open_reader(self.database)) as connection:
            return in_force(store.load(connection, self.key))

    def shown(self) -> tuple[Register, str]:
        """Read the whole register for showing: without the key masks are all there is, and why."""
        with closing(open_reader(self.database)) as connection:
            try:
                return store.load(connection, self.key), ""
            except StoreError as error:
                return store.load_masked(connection), str(error)

    def change(
        self,
        who: Who,
        make: Callable[[Register], Merged],
        attached: Mapping[str, bytes],
    ) -> Merged:
        """Change the stored register, all or nothing; call control writes it while it runs."""

        def made(connection: sqlite3.Connection) -> tuple[Merged, PolicyChange]:
            basis = policy_changes.basis_of(connection)
            merged, rows = store.rows_of(connection, self.key, who, make, attached)
            return merged, PolicyChange(basis, rows)

        return policy_changes.changed(self.settings, made)

    def note(self, by: str, what: str, about: str) -> None:
        """Note in the audit what is about to be told, before it is."""
        noted = Noted(self.now(), by, what, about)

        def made(connection: sqlite3.Connection) -> tuple[None, PolicyChange]:
            return None, PolicyChange(policy_changes.basis_of(connection), noted=(noted,))

        policy_changes.changed(self.settings, made)

    def tell_desk(self) -> None:
        """Have the running desk read the register now; say what became of that."""
        socket = desk_socket(self.settings)
        if not socket.exists():
            self.say(UNTOLD)
            return
        control_socket.ask(socket, {"ask": "register_changed"}, limit=30.0)
        self.say(IN_FORCE)

    def tell_sounds(self) -> None:
        """Have the running desk read the spoken sounds anew."""
        socket = desk_socket(self.settings)
        if socket.exists():
            control_socket.ask(socket, {"ask": "spoken"}, limit=30.0)

    def say(self, words: Words) -> None:
        """Print a sentence in the site's first language."""
        click.echo(words.it if language_of(self.settings) == "it" else words.en)


def day_of(text: str, today: date) -> date:
    """Read a day as people write it; raises Refused."""
    return read_day(text, today)


def unit_of(register: Register, code: str) -> Unit:
    """Find a unit; raises OfficeError that names those there are."""
    unit = register.unit(code)
    if unit is None:
        known = ", ".join(each.code for each in register.units) or "none"
        raise Refused(
            f"l'ufficio {code!r} non è nella rubrica uffici; ci sono: {known}",
            f"there is no office {code!r} in the register; known are {known}",
        )
    return unit
