"""What is done of a night, by a child: the records are looked through, and copied twice.

One copy lies on the card itself, plain, its sounds by hard links: against what people or programmes
spoil. The other is a whole backup, sealed, on a second medium where one is configured: against the
card. A damaged database is copied over nothing, and no older copy is then taken away.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.api.status_text import CARD_COPY, DAMAGED, MEDIUM_COPY, NO_MEDIUM, NO_ROOM, WHOLE
from appliance.config.mistakes import BACKUP_PASSPHRASE, secret_file
from appliance.daemon import backup
from appliance.daemon.night import NIGHTLY, Night, keep
from appliance.daemon.stores import database_path
from appliance.errors import CentralinoError
from appliance.files import acting_for, fsync_directory, make_private, make_shared
from appliance.policy.supervision import in_words, words_of
from appliance.policy.text import Refused, Words
from appliance.store import privacy
from appliance.store.backup import checked_passphrase
from appliance.voicemail.storage import Folders, spare_bytes

if TYPE_CHECKING:
    from datetime import date, datetime

    from appliance.config.schema import Settings

ON_CARD: Final = 3
"""Copies kept on the card itself: a mistake is found within days, and what was erased goes too."""
DRAFT: Final = ".part"
SEALED: Final = "centralino-*.backup"


def do(settings: Settings, config: Path, at: datetime) -> Night:
    """Do all of a night's work, keep what came of it, and return it; raises OSError."""
    state = Path(settings.folders.state)
    with acting_for(state):  # by paths, in a folder in which the service might have planted links
        make_shared(state / Path(NIGHTLY).parent)
        make_private(state / NIGHTLY)
        damage = _wrong(lambda: look_through(state))
        told = [damage or WHOLE]
        failed = [damage]
        if damage is None:
            failed.append(_wrong(lambda: copy_on_card(state, at.date())))
            told.append(failed[-1] or CARD_COPY)
    if damage is None and settings.backup.folder:
        failed.append(_wrong(lambda: copy_away(settings, config, at)))
        told.append(failed[-1] or _filled(MEDIUM_COPY, settings.backup.folder))
    night = Night(at, not any(failed), damage is not None, _joined(told))
    keep(state, night)
    _give_to_the_owner(state)
    return night


def look_through(state: Path) -> None:
    """Have SQLite look through all of the records; raises Refused, StoreError."""
    found = privacy.damage(database_path(state))
    if found:
        what = in_words(found)
        words = Words(DAMAGED.it.format(what.it), DAMAGED.en.format(what.en))
        raise Refused(words.it, words.en)


def copy_on_card(state: Path, day: date) -> None:
    """Copy the records of one moment and link the sounds; raises Refused, CentralinoError, OSError.

    The copy of the same day before is replaced; older ones than the last few are taken away.
    """
    nightly, records = state / NIGHTLY, database_path(state)
    for left in nightly.glob(f"*{DRAFT}"):  # of a night that was cut short
        shutil.rmtree(left)
    if spare_bytes(state) < records.stat().st_size:
        raise Refused(NO_ROOM.it, NO_ROOM.en)
    draft = nightly / f"{day.isoformat()}{DRAFT}"
    for folder in (draft, draft / "new"):
        folder.mkdir(mode=0o700)
    privacy.copy(records, draft / records.name)
    _link(Folders(state / "voicemail").new, draft / "new")
    final = nightly / day.isoformat()
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    fsync_directory(nightly)
    for old in sorted(path for path in nightly.iterdir() if path.is_dir())[:-ON_CARD]:
        shutil.rmtree(old)


def copy_away(settings: Settings, config: Path, at: datetime) -> None:
    """Write a whole sealed backup onto the second medium, and take the oldest away.

    Raises Refused, OSError.
    """
    medium = Path(settings.backup.folder)
    if not medium.is_dir() or _is_on_card(medium, Path(settings.folders.state)):
        words = _filled(NO_MEDIUM, str(medium))
        raise Refused(words.it, words.en)
    file = secret_file(settings.backup.passphrase_file, BACKUP_PASSPHRASE)
    phrase = Path(file).read_text(encoding="utf-8").splitlines()
    passphrase = checked_passphrase(phrase[0] if phrase else "")
    to = medium / f"centralino-{at:%Y%m%d-%H%M%S}.backup"
    backup.write(settings, config, to, passphrase, at)
    for old in sorted(medium.glob(SEALED))[: -max(1, settings.backup.keep)]:
        old.unlink()


def _is_on_card(medium: Path, state: Path) -> bool:
    """Tell a stick that is not plugged in: its folder is then one of the card's own."""
    return medium.stat().st_dev == state.stat().st_dev


def _link(sounds: Path, to: Path) -> None:
    """Link every whole message, or what is left of it: one may be erased meanwhile."""
    for path in sorted(sounds.glob("*")):
        with contextlib.suppress(FileNotFoundError):
            os.link(path, to / path.name)
    fsync_directory(to)


def _wrong(work: Callable[[], None]) -> Words | None:
    """Do a part of the work; returns in words what went wrong: other parts are done as well."""
    try:
        work()
    except Refused as refused:
        return refused.words
    except (CentralinoError, OSError) as error:
        why = words_of(error)
        return Words(f"non riuscito: {why.it}", f"did not succeed: {why.en}")
    return None


def _give_to_the_owner(state: Path) -> None:
    """Leave nothing of root's behind that the service could not replace the next night."""
    owner = state.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for path in (state / Path(NIGHTLY).parent, *(state / Path(NIGHTLY).parent).rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _filled(words: Words, what: str) -> Words:
    return Words(words.it.format(what), words.en.format(what))


def _joined(words: list[Words]) -> Words:
    return Words("; ".join(each.it for each in words), "; ".join(each.en for each in words))
