"""Values of the card's own file that a restore does not bring: fixed address, host name, SSH key.

They lie on the card's FAT partition, which a backup neither holds nor writes: the file there has
the last word at each start. So a backup notes them, and a restored card says what it lacks.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from appliance.files import READABLE, atomic_write, load_text
from appliance.text import NOTHING, Words, _, stored

DATA = Path("/data")
"""The image's data partition."""
NETWORK: Final = "network/10-lan.network"
HOSTNAME: Final = "etc/hostname"
KEYS: Final = "etc/ssh/authorized_keys/technician"
"""Paths below the data partition, where the image's units look for them (bootfile/apply.py)."""
NOTE: Final = "restored.json"
"""File in the state folder: what the box had of which the backup was made."""
_ADDRESS: Final = "Address="
RUN: Final = Path("/run/centralino-site")
"""What became of the card's file at this start."""
LEFT: Final = "not-on-card.json"


@dataclass(frozen=True, slots=True)
class CardValues:
    """Fixed address ("" for DHCP), host name ("" for the image's own), whether a key may log in."""

    address: str = ""
    hostname: str = ""
    has_key: bool = False


def present() -> CardValues:
    """Return the values of this card; none on a box that was not made from the image."""
    rows = load_text(DATA / NETWORK).splitlines()
    addresses = (row[len(_ADDRESS) :] for row in rows if row.startswith(_ADDRESS))
    keys = load_text(DATA / KEYS).strip()
    return CardValues(next(addresses, ""), load_text(DATA / HOSTNAME).strip(), bool(keys))


def to_note(state: Path) -> dict[str, Any]:
    """Return what a backup notes: this card's values, and those that it still lacks."""
    here, noted = present(), _noted(state)
    return asdict(
        CardValues(
            here.address or noted.address,
            here.hostname or noted.hostname,
            here.has_key or noted.has_key,
        )
    )


def keep_note(state: Path, told: object) -> None:
    """Write a backup's note into a state folder, or remove an older one; raises OSError."""
    values = _values(told)
    if values == CardValues():
        (state / NOTE).unlink(missing_ok=True)
    else:
        atomic_write(state / NOTE, json.dumps(asdict(values)), mode=READABLE)


def missing(state: Path) -> tuple[Words, ...]:
    """Return a sentence for each value that the box had before and this card lacks."""
    # Without the image there is no card file: the system's own settings hold.
    if not DATA.is_dir():
        return ()
    had, here, note = _noted(state), present(), state / NOTE
    found = (
        (had.address and not here.address, NO_ADDRESS.filled(address=had.address, note=note)),
        (had.hostname and not here.hostname, NO_NAME.filled(hostname=had.hostname, note=note)),
        (had.has_key and not here.has_key, NO_KEY.filled(note=note)),
    )
    return tuple(words for is_missing, words in found if is_missing)


def keep_left(words: Words, run: Path) -> None:
    """Write for `check` what is in force and not on the card, "" for nothing; raises OSError."""
    if words == NOTHING:
        (run / LEFT).unlink(missing_ok=True)
    else:
        told = json.dumps(words.by_language())
        atomic_write(run / LEFT, told, mode=READABLE, is_durable=False)


def left(run: Path | None = None) -> Words:
    """Return what is in force and not in the card's file, NOTHING if all is."""
    try:
        return stored(json.loads(load_text((run or RUN) / LEFT)))
    except (ValueError, LookupError, TypeError, AttributeError):
        return NOTHING


NO_ADDRESS: Final = _(
    "the box of the backup had the fixed address {address}, this card has none: write address "
    "under [network] of the card's file and start anew, or delete {note} if that is meant"
)
NO_NAME: Final = _(
    "the box of the backup was called {hostname}, this card names none: write hostname under "
    "[network] of the card's file and start anew, or delete {note} if that is meant"
)
NO_KEY: Final = _(
    "on the box of the backup a technician could log in by SSH, on this card nobody can: write "
    "keys under [ssh] of the card's file and start anew, or delete {note} if that is meant"
)


def _noted(state: Path) -> CardValues:
    try:
        return _values(json.loads(load_text(state / NOTE)))
    except ValueError:
        return CardValues()


def _values(told: object) -> CardValues:
    """Return a note's values; none for a backup without one, or a malformed note."""
    if not isinstance(told, dict):
        return CardValues()
    address, hostname = str(told.get("address", "")), str(told.get("hostname", ""))
    return CardValues(address, hostname, told.get("has_key") is True)
