"""From the card's file to all that follows from it: configuration, passwords, network, SSH keys.

Pure: what is known of the box comes in, what is to be written goes out, or BadConfiguration with
every mistake, each with its line in the card's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import tomli_w

from appliance.daemon import config
from appliance.daemon.mistakes import BadConfiguration, Mistake, Mistakes
from appliance.daemon.office import build_office
from appliance.daemon.settings import Folders, Settings
from appliance.policy.text import Words
from appliance.site import checks, keys, network, places, reading, secret_entries
from appliance.site.reading import Read
from appliance.site.tables import tables
from appliance.site.text import NAME
from appliance.site.written import Line, Network, Written

HEAD: Final = """\
# Fatto dall'apparecchio da centralino.toml della scheda: si cambia là.
# Made by the box from the card's centralino.toml: change it there.

"""


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of the box: modems found, where its lines were, whether this is the text that
    is in force (`is_same`), the tables whose `passwords` are kept. `year` is the first whose
    holidays count; `under` are tables that hold where the file says nothing.
    """

    year: int
    found: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)
    is_same: bool = False
    under: Mapping[str, Any] = field(default_factory=dict)
    passwords: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be written. `secrets` are passwords of phones that were written, `unsaid` the
    phones whose password the box makes, `passwords` the others by their table; `network` is ""
    where none was written; `is_blank` where the file says nothing at all.
    """

    config: str
    settings: Settings
    ports: Mapping[str, str]
    waits: bool
    secrets: Mapping[str, str]
    unsaid: tuple[str, ...]
    passwords: Mapping[str, str]
    network: str
    hostname: str
    keys: str
    is_blank: bool
    notes: tuple[Words, ...]


def make(text: str, around: Around) -> Made:
    """Make everything of the file's text; raises BadConfiguration."""
    found = reading.read(text)
    written = reading.structured(found)
    if written is None:
        raise found.wrong() or BadConfiguration(NAME, ())
    mistakes = Mistakes()
    checks.check(written, mistakes, around.passwords)
    found.note(tuple(mistakes.found))
    lines = [line for line in written.lines if line != Line()]
    before = around.before if lines or around.is_same else {}  # a line's name is no modem's
    placed = places.placed(lines, around.found, before)
    made = tables(found.data, written, placed, around.under, around.passwords)
    settings = _settings(found, made)
    found.note(_of_the_office(settings, around.year, written))
    if wrong := found.wrong():
        raise wrong
    return Made(
        config=HEAD + tomli_w.dumps(made),
        settings=settings,
        ports=dict(placed.ports),
        waits=placed.waits,
        secrets={phone.name: str(phone.secret) for phone in written.phones if phone.secret},
        unsaid=tuple(p.name for p in written.phones if not (p.secret or p.address)),
        passwords=secret_entries.given(written),
        network=network.text_of(written.network) if written.network != Network() else "",
        hostname=network.host_name(written.network),
        keys=keys.text_of(written.ssh.keys),
        is_blank=replace(written, folders=Folders()) == Written(),
        notes=checks.notes(written),
    )


def _settings(found: Read, made: dict[str, Any]) -> Settings:
    try:
        return config.structured(made, found.text, NAME, Settings)
    except BadConfiguration as error:
        found.note(error.mistakes)
        raise found.wrong() or error from error


def _of_the_office(settings: Settings, year: int, written: Written) -> tuple[Mistake, ...]:
    """Return what the service's own checks find, each line by its place in the card's file."""
    try:
        build_office(settings, year, NAME)
    except BadConfiguration as error:
        places_of = [n for n, line in enumerate(written.lines, 1) if line != Line()]
        return tuple(_at_home(mistake, places_of) for mistake in error.mistakes)
    return ()


def _at_home(mistake: Mistake, places_of: list[int]) -> Mistake:
    """Name a line by its place in the file, where blank ones are passed over."""
    table, _, rest = mistake.place.partition(".")
    number, dot, key = rest.partition(".")
    if table != "lines" or not number.isdigit() or not 0 < int(number) <= len(places_of):
        return mistake
    return replace(mistake, place=f"lines.{places_of[int(number) - 1]}{dot}{key}")
