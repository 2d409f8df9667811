"""Phones entered in the console: one JSON file of the state folder, laid over the configuration.

The configuration's own file stays as somebody wrote it. What is entered here adds phones to it,
gives others a label, and takes some out of use, which may be put back. Read by whoever reads the
configuration; written by the desk alone.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from appliance.config.build import extensions
from appliance.config.schema import Phone, Settings
from appliance.errors import CentralinoError, ConfigurationError
from appliance.files import SHARED, atomic_write
from appliance.policy.supervision import words_of
from appliance.policy.text import Refused

log = logging.getLogger(__name__)

FILE: Final = "phones_entered.json"
SWITCHBOARD: Final = "switchboard"
CITIZENS_DESK: Final = "citizens_desk"
ELSEWHERE: Final = ""
"""A phone of an office: calls are transferred to it, none rings there by itself."""
GROUPS: Final = (SWITCHBOARD, CITIZENS_DESK, ELSEWHERE)


@dataclass(frozen=True, slots=True)
class EnteredPhone:
    """One phone that the configuration's file has not, and in which group it rings."""

    name: str
    label: str
    group: str = SWITCHBOARD
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """All that was entered: phones `added`, `labels` of phones of the file, phones of the file that
    are `removed` from use.
    """

    added: tuple[EnteredPhone, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    removed: tuple[str, ...] = ()

    def find(self, name: str) -> EnteredPhone | None:
        """Return the phone of that name that was added, None for none."""
        return next((one for one in self.added if one.name == name), None)


def path_of(state: Path) -> Path:
    """Say where it lies."""
    return state / FILE


def load_entered(state: Path) -> Entered:
    """Read what was entered; nothing yet is no mistake. Raises Refused for a broken file."""
    path = path_of(state)
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Entered()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        why = words_of(error)
        raise Refused(
            f"{path} non si legge ({why.it}); toglierlo e aggiungere di nuovo i telefoni",
            f"{path} cannot be read ({why.en}); remove it and add the phones again",
        ) from error


def save(state: Path, entered: Entered) -> None:
    """Write it whole or not at all; no secret is in it."""
    rows = {
        "added": [dataclasses.asdict(one) for one in entered.added],
        "labels": dict(entered.labels),
        "removed": list(entered.removed),
    }
    atomic_write(path_of(state), json.dumps(rows, indent=1, ensure_ascii=False), mode=SHARED)


def with_entered(settings: Settings) -> Settings:
    """Return a configuration with what was entered; a file that is damaged is said in the journal.

    To whom the state folder is closed nothing was entered: its own user sees it.
    """
    state = Path(settings.folders.state)
    try:
        if not path_of(state).exists():
            return settings
        return overlay_phones(settings, load_entered(state))
    except PermissionError:
        return settings
    except (CentralinoError, OSError) as error:
        log.error("%s", error)
        return settings


def overlay_phones(settings: Settings, entered: Entered) -> Settings:
    """Return the configuration with what was entered; a phone of the file's goes before one of the
    same name that was added, and the switchboard's last phone stays.
    """
    own = {phone.name for phone in settings.phones}
    added = tuple(one for one in entered.added if one.name not in own)
    written = {phone.extension for phone in settings.phones}
    new = tuple(
        Phone(one.name, one.label, extension="" if one.extension in written else one.extension)
        for one in added
    )
    gone = _gone(settings, entered, added)
    phones = _numbered((*settings.phones, *new)) if gone else (*settings.phones, *new)
    labelled = (replace(one, label=entered.labels.get(one.name, one.label)) for one in phones)
    return replace(
        settings,
        phones=tuple(one for one in labelled if one.name not in gone),
        switchboard=replace(
            settings.switchboard,
            phones=_group(settings.switchboard.phones, SWITCHBOARD, added, gone),
        ),
        citizens_desk=replace(
            settings.citizens_desk,
            phones=_group(settings.citizens_desk.phones, CITIZENS_DESK, added, gone),
        ),
        head=replace(settings.head, phones=_group(settings.head.phones, "head", (), gone)),
    )


def _gone(settings: Settings, entered: Entered, added: tuple[EnteredPhone, ...]) -> frozenset[str]:
    gone, ringing = frozenset(entered.removed), settings.switchboard.phones
    if ringing and not any(one.group == SWITCHBOARD for one in added) and gone.issuperset(ringing):
        return gone - set(ringing)
    return gone


def _numbered(phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
    """Write down every phone's extension: where one goes, the others keep theirs."""
    try:
        digits = {each.phone: each.digits for each in extensions(phones)}
    except ConfigurationError:  # of a file whose extensions are wrong, which is said elsewhere
        return phones
    return tuple(replace(phone, extension=digits[phone.name]) for phone in phones)


def _group(
    phones: tuple[str, ...], group: str, added: tuple[EnteredPhone, ...], gone: frozenset[str]
) -> tuple[str, ...]:
    own = tuple(name for name in phones if name not in gone)
    return (*own, *(one.name for one in added if one.group == group and one.name not in own))


def _read(found: dict[str, Any]) -> Entered:
    added = tuple(EnteredPhone(**{k: str(v) for k, v in row.items()}) for row in found["added"])
    labels = {str(name): str(label) for name, label in found["labels"].items()}
    return Entered(added, labels, tuple(map(str, found["removed"])))
