"""What is configured of how messages and calls are kept and told of, of updates: what cannot be."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from appliance.daemon.backup_target import address_of
from appliance.policy.updates import check_server
from appliance.policy.users import PinRule
from appliance.policy.voicemail import CallAlerts

if TYPE_CHECKING:
    from appliance.config.mistakes import Mistakes
    from appliance.config.schema import Settings

LEAST_EVERY: Final = 5
ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Name what cannot be: days count from 0, which keeps for ever; a notice has an address."""
    for field in dataclasses.fields(settings.retention):
        days = getattr(settings.retention, field.name)
        if days < 0:
            mistakes.note(
                f"retention.{field.name}",
                f"{days} giorni non possono essere: scrivere quanti giorni, o 0 per sempre",
                f"{days} days cannot be: write how many days, or 0 to keep for ever",
            )
    _check_backup(settings, mistakes)
    if settings.updates.server:
        mistakes.check("updates.server", check_server, settings.updates.server)
    _check_central(settings, mistakes)
    _check_notified("voicemail.notify", settings.voicemail.notify, "urp@comune.it", mistakes)
    mistakes.choice("voicemail.pin", settings.voicemail.pin, tuple(PinRule))
    mistakes.choice("voicemail.missed_alerts", settings.voicemail.missed_alerts, tuple(CallAlerts))


def _check_notified(key: str, address: str, example: str, mistakes: Mistakes) -> None:
    """Note what is no address to mail to."""
    if address and not ADDRESS.fullmatch(address):
        mistakes.note(
            key,
            f"{address!r} non è un indirizzo e-mail: ad esempio {example}",
            f"{address!r} is no e-mail address: write e.g. {example}",
        )


def _check_central(settings: Settings, mistakes: Mistakes) -> None:
    """Note a server whose word nobody could judge."""
    central = settings.central
    if central.server:
        mistakes.check("central.server", check_server, central.server)
    if central.server and not central.certificate:
        mistakes.note(
            "central.certificate",
            "manca: indicare il file con il certificato di chi firma per la sede centrale",
            "is missing: name the file with the certificate of who signs for the head office",
        )
    if central.every < LEAST_EVERY:
        mistakes.note(
            "central.every",
            f"{central.every} minuti sono troppo pochi: scrivere {LEAST_EVERY} o più",
            f"{central.every} minutes are too few: write {LEAST_EVERY} or more",
        )


def _check_backup(settings: Settings, mistakes: Mistakes) -> None:
    """Note a backup that nobody could read, or that would be left out for want of its phrase."""
    backup = settings.backup
    if backup.folder and not backup.passphrase_file:
        mistakes.note(
            "backup.passphrase_file",
            "manca: una copia è sigillata; indicare un file con la frase segreta come prima riga",
            "is missing: a backup is sealed; name a file whose first line is its passphrase",
        )
    if backup.target:
        mistakes.check("backup.target", address_of, backup.target)
    _check_notified("backup.notify", backup.notify, "ced@comune.it", mistakes)
    for key, number, least in (
        ("backup.keep", backup.keep, 1),
        ("voicemail.room_alarm", settings.voicemail.room_alarm, 0),
    ):
        if number < least:
            mistakes.note(
                key,
                f"{number} non può essere: scrivere {least} o più",
                f"{number} cannot be: write {least} or more",
            )
