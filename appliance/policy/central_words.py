"""What people are told of the head office's settings, in both languages."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, Protocol

from appliance.policy.central import Changes
from appliance.policy.local_time import moment_phrase, moment_words
from appliance.policy.words import Words

NO_SERVER: Final = Words(
    "nessun server è configurato (central.server): le impostazioni centrali arrivano come file",
    "no server is configured (central.server): the central settings come as a file",
)
NO_FILE: Final = Words(
    "non è stato caricato nessun file: caricarlo prima",
    "no file has been uploaded: upload it first",
)
NONE: Final = Words("Impostazioni centrali: nessuna", "Central settings: none")
STAYS: Final = Words(
    "ciò che gli uffici hanno comunicato resta: lo cambia solo un'altra comunicazione",
    "what offices have declared stays: only another declaration changes it",
)
_NOW: Final = Words(
    "schede e rubrica da subito, l'orario appena nessuno è al telefono",
    "sheets and register at once, the schedule as soon as nobody is on the phone",
)
_LATER: Final = Words(
    "centralino qui non è in funzione: valgono dal prossimo avvio",
    "centralino is not running here: they hold from its next start on",
)


class Shown(Protocol):
    """What a bundle is and changes."""

    @property
    def version(self) -> int:
        """Return its version."""

    @property
    def changes(self) -> Changes:
        """Return what it changes here."""

    @property
    def is_so_already(self) -> bool:
        """Tell whether it holds already."""


def shown(given: Shown) -> Words:
    """Say what a bundle would change."""
    if given.is_so_already:
        return so_already(given.version)
    said = given.changes.words
    return Words(
        f"impostazioni centrali {given.version}, firma valida: {said.it}",
        f"central settings {given.version}, the signature is good: {said.en}",
    )


def so_already(version: int) -> Words:
    """Say that there is nothing to do."""
    return Words(
        f"impostazioni centrali {version}: già in vigore",
        f"central settings {version}: in force already",
    )


def left(version: int) -> Words:
    """Say that people have gone back from what the server offers."""
    return Words(
        f"impostazioni centrali {version}: qui sono state tolte, si attende una versione più alta",
        f"central settings {version}: taken back here, a higher version is waited for",
    )


def applied(version: int, changes: Words, is_told: bool) -> Words:
    """Say what came into force, and from when on it holds."""
    when = _NOW if is_told else _LATER
    return Words(
        f"impostazioni centrali {version} in vigore: {changes.it}; {when.it}",
        f"central settings {version} put in force: {changes.en}; {when.en}",
    )


def reverted(version: int, changes: Words, is_told: bool) -> Words:
    """Say what holds again, and what cannot be taken back."""
    when = _NOW if is_told else _LATER
    if version:
        head = Words(
            f"impostazioni centrali {version} di nuovo in vigore",
            f"central settings {version} in force again",
        )
    else:
        head = Words("nessuna impostazione centrale in vigore", "no central settings in force")
    return Words(
        f"{head.it}: {changes.it}; {when.it}; {STAYS.it}",
        f"{head.en}: {changes.en}; {when.en}; {STAYS.en}",
    )


def held(now: tuple[int, datetime, str, str] | None, zone: tzinfo) -> Words:
    """Say in a line which version (version, since, by whom, from where) is in force.

    Without a source it is held again.
    """
    if now is None or not now[0]:
        return NONE
    version, at, by, source = now
    since = at.astimezone(zone)
    where = Words(f"da {source}", f"from {source}") if source else Words("di nuovo", "again")
    return Words(
        f"Impostazioni centrali: versione {version} {moment_phrase('dal', since, 'it')}, "
        f"{where.it} ({by})",
        f"Central settings: version {version} {moment_phrase('since', since, 'en')}, "
        f"{where.en} ({by})",
    )


def last_look(at: datetime, words: Words, zone: tzinfo) -> Words:
    """Say what came of the last look at the server."""
    local = at.astimezone(zone)
    return Words(
        f"Ultimo controllo {moment_words(local, 'it')}: {words.it}",
        f"Last look {moment_words(local, 'en')}: {words.en}",
    )
