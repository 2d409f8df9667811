"""What passes between the desk and root's helper of updates, and what the helper keeps.

The desk leaves a request in its own folder in /run, which root does not trust: it names no file and
no address, only which of three things is wanted. What the helper keeps lies in a folder of root's
that the desk may read, on the data partition: it outlives the change of the slot.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.daemon import run_files
from appliance.files import READABLE, atomic_write, load_text
from appliance.policy.text import NOTHING, Words
from appliance.policy.updates import State

REQUEST: Final = "update-asked"
UPLOADED: Final = "update/uploaded.raucb"
"""In the console's folder: a bundle that came from a browser."""
FETCHED: Final = "update/fetched.raucb"
"""In the desk's state folder: a bundle that came from the office's server."""
BUNDLE: Final = "bundle.raucb"
KEPT: Final = "kept.json"
PROGRESS: Final = "progress"
STICK: Final = "stick"
MOST_PAST: Final = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and for what: upload or server (install that file), back, start, give-up."""

    by: str
    what: str


BOX: Final = "box"
"""Who asks where nobody does, as the audit names it."""
WHATS: Final = frozenset({"upload", "server", "back", "start", "give-up"})


@dataclass(frozen=True, slots=True)
class Past:
    """One update that is over: who, when it ended, from which version to which, how."""

    at: str
    by: str
    before: str
    version: str
    outcome: str
    said: Words = NOTHING


@dataclass(frozen=True, slots=True)
class Kept:
    """The last update: `slot` is where it lies ("A", "B"), `before` the version it is to replace.

    `worked` are the lines that worked before it; `installed` (monotonic s) is of the boot `boot`.
    `failed` are versions that the box went back from: none of them is taken again by itself.
    """

    state: State = State.NONE
    version: str = ""
    before: str = ""
    slot: str = ""
    by: str = ""
    source: str = ""
    at: str = ""
    boot: str = ""
    installed: float = 0.0
    worked: tuple[str, ...] = ()
    said: Words = NOTHING
    failed: tuple[str, ...] = ()
    past: tuple[Past, ...] = field(default=())


def folder_of(state: Path) -> Path:
    """Say where the helper keeps things: beside the desk's state folder."""
    return state.with_name(f"{state.name}-update")


def progress_path(run: Path) -> Path:
    """Say where the helper tells how far it is: beside the desk's run folder."""
    return run.with_name(f"{run.name}-update") / PROGRESS


def progress(run: Path) -> int | None:
    """Return how many percent are written; None while nothing is."""
    text = load_text(progress_path(run))
    return int(text) if text.isdecimal() else None


def tell_stick(run: Path, said: Words) -> None:
    """Say what became of the last stick, in memory; nobody is told where there is no folder."""
    path = progress_path(run).with_name(STICK)
    if path.parent.is_dir():
        text = json.dumps(asdict(said), ensure_ascii=False)
        atomic_write(path, text, mode=READABLE, is_durable=False)


def stick_said(run: Path) -> Words:
    """Return what became of the last stick since the machine's start."""
    try:
        return Words(**json.loads(load_text(progress_path(run).with_name(STICK))))
    except (ValueError, TypeError):
        return NOTHING


def ask(run: Path, asked: Asked) -> None:
    """Put a request; raises OSError."""
    atomic_write(run / REQUEST, json.dumps(asdict(asked)), is_durable=False)


def is_waiting(run: Path) -> bool:
    """Tell whether nobody has taken the last request."""
    return run_files.is_waiting(run / REQUEST)


def take(run: Path) -> Asked | None:
    """Take a request away; None for none, or for one that cannot be."""
    try:
        told = json.loads(run_files.taken(run / REQUEST) or b"")
        asked = Asked(str(told["by"])[:64], str(told["what"]))
    except (ValueError, LookupError, TypeError):
        return None
    return asked if asked.what in WHATS else None


def keep(folder: Path, kept: Kept) -> None:
    """Keep it, durably, readable by all: there is no number in it. Raises OSError."""
    text = json.dumps(asdict(kept), ensure_ascii=False, indent=1)
    atomic_write(folder / KEPT, text, mode=READABLE)


def load(folder: Path) -> Kept:
    """Read what is kept; nothing was ever updated where that cannot be read."""
    try:
        return _kept(json.loads(load_text(folder / KEPT)))
    except (ValueError, LookupError, TypeError):
        return Kept()


def at_of(kept: Kept | Past) -> datetime | None:
    """Return when it came to that."""
    try:
        return datetime.fromisoformat(kept.at)
    except ValueError:
        return None


def _kept(told: dict[str, Any]) -> Kept:
    past = tuple(Past(**{**one, "said": Words(**one["said"])}) for one in told["past"])
    return Kept(
        **{
            **told,
            "state": State(told["state"]),
            "worked": tuple(map(str, told["worked"])),
            "said": Words(**told["said"]),
            "failed": tuple(map(str, told["failed"])),
            "past": past,
        }
    )
