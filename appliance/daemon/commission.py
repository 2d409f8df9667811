"""The proof that the carrier diverts calls while all lines are busy, or the word that it does not.

A caller who finds every line engaged hears busy and never reaches the box (P8): only the carrier
can lead that call elsewhere, and only a call placed then proves it. Kept as commission.json in the
state folder, with the lines it was made for.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.daemon.settings import Settings
from appliance.errors import TechnicianError
from appliance.policy.words import NOTHING, Words

FILE = "commission.json"
FREE = frozenset({"idle", "missing", "no_line", "out"})
"""States of a line, as `status --json` names them, in which it is not seized."""


class Outcome(enum.StrEnum):
    """What was found."""

    DIVERTED = "diverted"  # a call placed while all lines were seized rang elsewhere
    BUSY = "busy"  # it was placed, and heard busy
    NO_DIVERT = "no_divert"  # the head's word: there is none


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, by whom, when, for which `lines` (name, public number), `where` it rang."""

    outcome: Outcome
    by: str
    at: datetime
    lines: tuple[str, ...]
    where: str = ""


def lines_of(settings: Settings) -> tuple[str, ...]:
    """Name the lines as a proof does; other lines need another proof."""
    return tuple(sorted(f"{line.name} {line.called}".strip() for line in settings.lines))


def unseized(lines: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the lines of a status that a caller could still reach."""
    return tuple(str(line["name"]) for line in lines if line["state"] in FREE)


def save(settings: Settings, proof: Proof) -> Path:
    """Keep a proof; raises TechnicianError where the folder cannot be written."""
    path = Path(settings.folders.state) / FILE
    text = json.dumps({**asdict(proof), "at": proof.at.isoformat()}, indent=2, ensure_ascii=False)
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise TechnicianError(
            f"{path} cannot be written ({error.strerror}): run it as root or as the service's user"
        ) from error
    return path


def load(settings: Settings) -> Proof | None:
    """Return the proof that was kept, None for none that can be read."""
    try:
        text = (Path(settings.folders.state) / FILE).read_text(encoding="utf-8")
        data = json.loads(text)
        return Proof(
            Outcome(data["outcome"]),
            str(data["by"]),
            datetime.fromisoformat(data["at"]),
            tuple(map(str, data["lines"])),
            str(data["where"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def wanted(settings: Settings, proof: Proof | None) -> Words:
    """Say what is missing, NOTHING for nothing: no proof, or one of other lines."""
    if not settings.lines or (proof and proof.lines == lines_of(settings)):
        return NOTHING
    if proof is None:
        return Words(
            "Non è provato dove arriva chi chiama con tutte le linee occupate (deviazione su "
            "occupato dell'operatore telefonico): provarlo con centralino commission",
            "It is not proven where a caller ends who finds all lines busy (the carrier's "
            "divert-on-busy): prove it with centralino commission",
        )
    return Words(
        f"La prova della deviazione su occupato è del {proof.at:%d.%m.%Y}, prima che le linee "
        "cambiassero: ripeterla con centralino commission",
        f"The proof of divert-on-busy is of {proof.at:%d.%m.%Y}, before the lines changed: repeat "
        "it with centralino commission",
    )


def told(proof: Proof) -> Words:
    """Say what was found."""
    when = f"{proof.at:%d.%m.%Y %H:%M}, {proof.by}"
    match proof.outcome:
        case Outcome.DIVERTED:
            return Words(
                f"Con tutte le linee occupate la chiamata arriva a: {proof.where} ({when}).",
                f"With all lines busy a call rings at: {proof.where} ({when}).",
            )
        case Outcome.BUSY:
            return Words(
                f"Con tutte le linee occupate chi chiama sente occupato ({when}): chiedere "
                "all'operatore telefonico la deviazione su occupato, o la ricerca automatica.",
                f"With all lines busy a caller hears busy ({when}): ask the phone company for "
                "divert-on-busy, or for a hunting group.",
            )
    return Words(
        f"Non c'è deviazione su occupato, per dichiarazione del responsabile ({when}).",
        f"There is no divert-on-busy, by word of the head ({when}).",
    )
