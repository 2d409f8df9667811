"""The backup stick: a USB stick that was set up once and gets a sealed backup each night.

The desk may not mount anything: it asks root's helper (`centralino backup --stick-asked`), by a
small file in /run. Which stick it is, and when it last got a whole backup, is kept in the state
folder; so is the passphrase, and both are in the backup: a restored card goes on by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from appliance.daemon import run_files
from appliance.daemon.run_files import Asked, Went
from appliance.files import atomic_write, load_text
from appliance.policy.hours import day_phrase, moment_words
from appliance.policy.text import NOTHING, Words
from appliance.store.database import Trouble

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

FILE: Final = "backup_stick.json"
PHRASE: Final = "backup_stick_passphrase"
REQUEST: Final = "backup-stick-asked"
ANSWER: Final = "answer"
STALE: Final = timedelta(days=3)
"""A stick that stayed at home for a night is no alarm; one of a long weekend is."""
CODE: Final = "backup.stick"

LATE: Final = Words(
    "La chiavetta delle copie di sicurezza non riceve una copia intera {when}: {why}.",
    "The backup stick has had no whole backup {when}: {why}.",
)
NOT_TRIED: Final = Words(
    "inserirla nell'apparecchio e guardare la pagina Copia di sicurezza",
    "put it into the box and look at the page Backup and restore",
)
SET_UP: Final = Words(
    "Chiavetta delle copie di sicurezza ({}): ultima copia intera {}",
    "Backup stick ({}): last whole backup {}",
)
NONE: Final = Words(
    "Nessuna copia di sicurezza automatica fuori dalla scheda di memoria: preparare una chiavetta "
    "alla pagina Copia di sicurezza",
    "No automatic backup away from the memory card: set a stick up on the page Backup and restore",
)


@dataclass(frozen=True, slots=True)
class Stick:
    """Which stick it is (its file system's `uuid`), since when, and what became of the last try.

    `done` is when it last got a backup that was then read back whole, None for never.
    """

    uuid: str
    label: str
    by: str
    since: datetime
    done: datetime | None = None
    tried: datetime | None = None
    well: bool = True
    words: Words = NOTHING


def load(state: Path) -> Stick | None:
    """Read which stick was set up; None for none, or where it cannot be read."""
    try:
        told = json.loads(load_text(state / FILE))
        words = Words(str(told["it"]), str(told["en"]))
        times = [told["done"], told["tried"]]
        done, tried = (datetime.fromisoformat(at) if at else None for at in times)
        since, well = datetime.fromisoformat(told["since"]), bool(told["well"])
        texts = (str(told["uuid"]), str(told["label"]), str(told["by"]))
        return Stick(*texts, since, done, tried, well, words)
    except (ValueError, KeyError, TypeError):
        return None


def keep(state: Path, stick: Stick) -> None:
    """Keep it, durably; raises OSError."""
    told = {
        "uuid": stick.uuid,
        "label": stick.label,
        "by": stick.by,
        "since": stick.since.isoformat(),
        "done": stick.done.isoformat() if stick.done else None,
        "tried": stick.tried.isoformat() if stick.tried else None,
        "well": stick.well,
        "it": stick.words.it,
        "en": stick.words.en,
    }
    atomic_write(state / FILE, json.dumps(told))


def heard(stick: Stick, went: Went) -> Stick:
    """Take note of what became of a try."""
    done = went.at if went.is_well else stick.done
    return replace(stick, done=done, tried=went.at, well=went.is_well, words=went.said)


def forget(state: Path) -> None:
    """Write to no stick any more; raises OSError."""
    for name in (FILE, PHRASE):
        (state / name).unlink(missing_ok=True)


# --- asked by the desk, answered by the helper ----------------------------------------------------


def request_path(run: Path) -> Path:
    """Say where the desk puts its request: centralino-backup-stick.path waits for it."""
    return run / REQUEST


def answer_path(run: Path) -> Path:
    """Say where the helper answers: beside the run folder, which root must not trust."""
    return run.with_name(f"{run.name}-backup-stick") / ANSWER


def ask(run: Path, asked: Asked) -> None:
    """Put a request; with a passphrase, that the plugged stick be set up. Raises OSError."""
    run_files.ask(request_path(run), asked)


def is_waiting(run: Path) -> bool:
    """Tell whether a request lies there; one that nobody takes is taken away."""
    return run_files.is_waiting(request_path(run))


def take(run: Path) -> Asked | None:
    """Take a request away and read it; None where there is none, or it is none of ours."""
    return run_files.take(request_path(run))


def tell(run: Path, went: Went) -> None:
    """Keep what became of it, readable by the desk; raises OSError."""
    run_files.tell(answer_path(run), went)


def last(run: Path) -> Went | None:
    """Read what became of the last request; None where there was none."""
    return run_files.went(answer_path(run))


# --- what is said of it ---------------------------------------------------------------------------


def trouble_of(stick: Stick | None, now: datetime, zone: ZoneInfo) -> Trouble | None:
    """Say that a stick has had no whole backup for days, and why as far as that is known."""
    if stick is None:
        return None
    since = stick.done or stick.since
    if now - since <= STALE:
        return None
    on, why = since.astimezone(zone), NOT_TRIED if stick.well else stick.words
    why = Words(why.it.rstrip("."), why.en.rstrip("."))
    return Trouble(
        CODE,
        LATE.it.format(when=day_phrase("dal", on, "it"), why=why.it),
        LATE.en.format(when=day_phrase("since", on, "en"), why=why.en),
    )


def said(stick: Stick | None, folder: str, zone: ZoneInfo) -> tuple[Words, ...]:
    """Say which stick gets backups and how old the last is, or that nothing leaves the card."""
    if stick is None:
        return () if folder else (NONE,)
    name = stick.label or stick.uuid
    it, en = "mai", "never"
    if stick.done:
        done = stick.done.astimezone(zone)
        it, en = moment_words(done, "it"), moment_words(done, "en")
    return (Words(SET_UP.it.format(name, it), SET_UP.en.format(name, en)),)
