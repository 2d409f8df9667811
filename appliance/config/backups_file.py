"""Backup target of all boxes, from the head office's TOML file.

[backups]
target = "sftp://{branch}@backup.comune.example/srv/backups/{branch}"
recipient = "age1..."
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from appliance.config.values import BadConfiguration, Mistake, backup_address
from appliance.policy.recipients import recipient_key
from appliance.policy.text import Refused
from appliance.text import _

if TYPE_CHECKING:
    from appliance.config.schema import Settings

BRANCH: Final = "{branch}"
_NO_BRANCH: Final = _(
    "write {place} in it, which each box replaces by its name: a box has a folder of its own"
)


@dataclass(frozen=True, slots=True)
class BackupsTable:
    """The table [backups]: address with {branch} for the box's name, the head office's key."""

    target: str
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class BackupsFile:
    """The whole file."""

    backups: BackupsTable


def checked_backups(found: BackupsTable, name: str) -> BackupsTable:
    """Return the table of a file, once it is checked; raises BadConfiguration."""
    try:
        if BRANCH not in found.target:
            raise Refused(_NO_BRANCH.filled(place=BRANCH))
        backup_address(found.target.replace(BRANCH, "branch"))
    except Refused as refused:
        raise BadConfiguration(name, (Mistake("backups.target", refused.words),)) from refused
    try:
        if found.recipient:
            recipient_key(found.recipient)
    except Refused as refused:
        raise BadConfiguration(name, (Mistake("backups.recipient", refused.words),)) from refused
    return found


def overlay_backups(own: Settings, given: BackupsTable) -> Settings:
    """Return the configuration with the head office's backup target, for the box's own name."""
    target = given.target.replace(BRANCH, own.central.branch)
    recipient = own.backup.recipient or given.recipient
    return replace(own, backup=replace(own.backup, target=target, recipient=recipient))
