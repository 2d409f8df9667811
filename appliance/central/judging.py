"""Is a bundle the head office's, meant for this box, newer, and usable here; what would change.

Nothing is written. Every refusal is one sentence, and what is in force stays.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from appliance.central import keeping, signing
from appliance.central.bundle import Bundle, unpack
from appliance.central.content import NAME, Content, content_of, opened
from appliance.daemon import policy_changes
from appliance.daemon.central_place import schedule_in_force
from appliance.daemon.central_schedule import laid_over
from appliance.daemon.config import text_of
from appliance.daemon.office import build_office
from appliance.daemon.records_made import records_made
from appliance.daemon.spoken import folder_of
from appliance.policy import managed_config as policy
from appliance.policy.managed_config import Box, Changes
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused
from appliance.store import directory, sheets
from appliance.store import managed_config as records
from appliance.store.database import open_reader
from appliance.store.directory import key_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.daemon.settings import Settings
    from appliance.store.policy_change import PolicyChange

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The box: its own configuration, without the head office's settings; the present year."""

    settings: Settings
    year: int

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return Path(self.settings.folders.state)

    @property
    def database(self) -> Path:
        """Find the records; raises Refused where the desk has made none yet."""
        return records_made(self.state)

    def reading(self) -> closing[sqlite3.Connection]:
        """Open the records for reading alone; raises StoreError."""
        return closing(open_reader(self.database))

    def change(self, make: Callable[[sqlite3.Connection], tuple[T, PolicyChange]]) -> T:
        """Have call control write a change, or write it where it does not run."""
        return policy_changes.changed(self.settings, make)


@dataclass(frozen=True, slots=True)
class Judged:
    """A bundle that may come into force, and what that changes; `is_so_already` where it holds."""

    data: bytes
    digest: str
    version: int
    content: Content
    changes: Changes
    is_so_already: bool


def judged(place: Place, data: bytes) -> Judged:
    """Judge a bundle's file; raises Refused, BadConfiguration, OfficeError, StoreError."""
    certificates = _certificates(place.settings)
    bundle = unpack(data, lambda signature, of: signing.check(certificates, signature, of))
    digest = hashlib.sha256(data).hexdigest()
    with place.reading() as connection:
        box = box_of(place, connection)
        policy.check_meant(bundle.sites, box)
        policy.check_newer(bundle.version, digest, box)
        content = content_in(place.settings, bundle)
        check_office(place, content)
        changes = changes_of(place, connection, content)
    so = digest == box.digest and keeping.prompts_of(place.state, digest) == dict(content.prompts)
    return Judged(data, digest, bundle.version, content, changes, so)


def content_in(settings: Settings, bundle: Bundle) -> Content:
    """Read what is in a bundle; raises Refused, BadConfiguration."""
    return content_of(opened(bundle.files, passphrase_of(settings)))


def check_office(place: Place, content: Content) -> None:
    """Have the configuration with the head office's schedule checked as any; raises
    BadConfiguration.

    Greetings are looked for by name: a folder with the names alone stands for the announcements,
    whose sound was looked at before.
    """
    settings = laid_over(place.settings, content.schedule)
    own = (Path(settings.folders.prompts),) if settings.folders.prompts else ()
    with tempfile.TemporaryDirectory() as folder:
        for name in content.prompts:
            path = Path(folder) / Path(name).relative_to("prompts")
            path.parent.mkdir(exist_ok=True)
            path.touch()
        build_office(settings, place.year, NAME, (*own, folder_of(place.state), Path(folder)))


def changes_of(place: Place, connection: sqlite3.Connection, content: Content) -> Changes:
    """Say what a content would change here; raises Refused for what cannot stand."""
    plan = policy.sheets_plan(
        sheets.all_sheets(connection), content.sheets, records.sheets(connection)
    )
    now = records.in_force(connection)
    prompts = keeping.prompts_of(place.state, now.digest if now else "")
    units, entered = _register_changes(place, connection, content)
    return Changes(
        schedule_in_force(place.state) != content.schedule_text,
        plan,
        units,
        entered,
        prompts != dict(content.prompts),
    )


def _register_changes(
    place: Place, connection: sqlite3.Connection, content: Content
) -> tuple[tuple[int, int, int], int]:
    """Count the units that are new, changed, gone, and the entries that are added.

    A content that names no unit says nothing of the register: what there is stays, as the branch's.
    """
    if not content.register.units:
        return (0, 0, 0), 0
    stored = directory.load(connection, key_path(place.database))
    merged = policy.merged(
        stored, content.register, records.units(connection), records.entered_here(connection)
    )
    return policy.units_counted(merged), len(merged.new) + len(merged.revoked)


def passphrase_of(settings: Settings) -> str:
    """Return what opens the register, "" where none is configured; raises Refused."""
    named = settings.central.passphrase_file
    return _text(named, "central.passphrase_file").partition("\n")[0].strip() if named else ""


def _certificates(settings: Settings) -> bytes:
    named = settings.central.certificate
    if not named:
        raise Refused(
            "chi firma per la sede centrale non è configurato: scrivere certificate sotto "
            "[central]",
            "who signs for the head office is not configured: write certificate under [central]",
        )
    return _text(named, "central.certificate").encode()


def _text(named: str, key: str) -> str:
    try:
        return text_of(Path(named))
    except ValueError as error:
        said = words_of(error)
        raise Refused(f"{key}: {said.it}", f"{key}: {said.en}") from error


def box_of(place: Place, connection: sqlite3.Connection) -> Box:
    """Say what the box is and has had; raises sqlite3.Error."""
    now = records.in_force(connection)
    version, digest = (now.version, now.digest) if now else (0, "")
    branch = place.settings.central.branch
    return Box(branch, version, digest, records.highest(connection))
