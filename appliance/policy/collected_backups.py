"""Backups of many boxes in one place: the newest of each, and whether it is late.

Each box writes into a folder of its own name (docs/fleet/settings.en.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from appliance.policy.hours import moment_words
from appliance.text import NOTHING, Words, _, by_language

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = re.compile(r"centralino-(\d{8}-\d{6})-[0-9a-f]{4}\.backup")
# A name of a later time than this is of a box whose clock was wrong: it says nothing of its age.
AHEAD: Final = timedelta(hours=26)
_WELL: Final = _("{branch}: last backup {when}, {hours} hours old")
_LATE: Final = _("{branch}: late, last backup {when}, {hours} hours old")
_NONE: Final = _("{branch}: late, no backup there")
_UNREAD: Final = _("{branch}: late, {why}")


@dataclass(frozen=True, slots=True)
class CollectedBackup:
    """Newest backup of a box: name ("" for none), time, whether it is late, why it is unknown."""

    branch: str
    name: str = ""
    at: datetime | None = None
    is_late: bool = True
    why: Words = NOTHING

    def words(self, now: datetime) -> Words:
        """Return the line about this box."""
        if self.why != NOTHING:
            return _UNREAD.filled(branch=self.branch, why=self.why)
        if (at := self.at) is None:
            return _NONE.filled(branch=self.branch)
        when = by_language(lambda language: moment_words(at, language))
        hours = (now - at) // timedelta(hours=1)
        said = _LATE if self.is_late else _WELL
        return said.filled(branch=self.branch, when=when, hours=hours)


def newest_backup(
    branch: str, sizes: Mapping[str, int], now: datetime, limit: timedelta, zone: tzinfo
) -> CollectedBackup:
    """Return the newest backup among a folder's files with their sizes (bytes).

    Names have the box's own time, read in `zone`; an empty file is no backup.
    """
    times = {
        name: datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=zone)
        for name, size in sizes.items()
        if size and (found := _NAME.fullmatch(name))
    }
    known = {name: at for name, at in times.items() if at <= now + AHEAD}
    if not known:
        return CollectedBackup(branch)
    name, at = max(known.items(), key=lambda one: one[1])
    return CollectedBackup(branch, name, at, now - at > limit)
