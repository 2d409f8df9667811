"""What is configured of how messages and calls are kept and told of: what cannot be."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from appliance.daemon.mistakes import Mistake
from appliance.policy.message_alerts import CallAlerts
from appliance.policy.pin import PinRule

if TYPE_CHECKING:
    from appliance.daemon.mistakes import Mistakes
    from appliance.daemon.settings import Settings

ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


def check(settings: Settings, mistakes: Mistakes) -> None:
    """Name what cannot be: days count from 0, which keeps for ever; a notice has an address."""
    for field in dataclasses.fields(settings.retention):
        days = getattr(settings.retention, field.name)
        if days < 0:
            text = f"{days} days cannot be: write how many days, or 0 to keep for ever"
            mistakes.found.append(Mistake(f"retention.{field.name}", text))
    _check_backup(settings, mistakes)
    if settings.voicemail.notify and not ADDRESS.fullmatch(settings.voicemail.notify):
        text = f"{settings.voicemail.notify!r} is no e-mail address: write e.g. urp@comune.it"
        mistakes.found.append(Mistake("voicemail.notify", text))
    mistakes.choice("voicemail.pin", settings.voicemail.pin, tuple(PinRule))
    mistakes.choice("voicemail.missed_alerts", settings.voicemail.missed_alerts, tuple(CallAlerts))


def _check_backup(settings: Settings, mistakes: Mistakes) -> None:
    """Note a backup that nobody could read, or that would be left out for want of its phrase."""
    backup = settings.backup
    if backup.folder and not backup.passphrase_file:
        text = "is missing: a backup is sealed; name a file whose first line is its passphrase"
        mistakes.found.append(Mistake("backup.passphrase_file", text))
    for key, number, least in (
        ("backup.keep", backup.keep, 1),
        ("voicemail.room_alarm", settings.voicemail.room_alarm, 0),
    ):
        if number < least:
            text = f"{number} cannot be: write {least} or more"
            mistakes.found.append(Mistake(key, text))
