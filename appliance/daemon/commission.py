"""The proof that the carrier diverts calls while all lines are busy, or the word that it does not.

A caller who finds every line engaged hears busy and never reaches the box (P8): only the carrier
can lead that call elsewhere, and only a call placed then proves it; for each public number apart,
as each is diverted apart. Kept as commission.json in the state folder, each with the lines it was
made for.
"""

from __future__ import annotations

import contextlib
import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.config.schema import Settings
from appliance.errors import ConfigurationError
from appliance.files import atomic_write, make_private
from appliance.policy.hours import day_phrase, moment_words
from appliance.policy.supervision import why_not
from appliance.policy.text import NOTHING, Refused, Words

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
    """What was found, by whom, when, for which `lines` (name, public number), `where` it rang.

    `number` is the public number that was called, "" where the box knows of none, or of one.
    """

    outcome: Outcome
    by: str
    at: datetime
    lines: tuple[str, ...]
    where: str = ""
    number: str = ""


def lines_of(settings: Settings) -> tuple[str, ...]:
    """Name the lines as a proof does; other lines need another proof."""
    return tuple(sorted(f"{line.name} {line.called}".strip() for line in settings.lines))


def numbers_of(settings: Settings) -> tuple[str, ...]:
    """List the public numbers that need a proof each; "" stands for the one that is not known."""
    if not settings.lines:
        return ()
    known = (_plain(line.called, settings) for line in settings.lines if line.called)
    return tuple(dict.fromkeys(known)) or ("",)


def number_of(settings: Settings, written: str) -> str:
    """Return a public number as it is proven; raises OfficeError for one that no line has."""
    number, known = _plain(written, settings), numbers_of(settings)
    if number not in known:
        listed = ", ".join(filter(None, known))
        it, en = (
            (listed, listed)
            if listed
            else ("nessuno (scrivere `called` delle linee)", "none (write `called` of the lines)")
        )
        raise Refused(
            f"{written!r} non è un numero pubblico delle linee; i numeri noti sono {it}",
            f"{written!r} is no public number of the lines; known are {en}",
        )
    return number


def unseized(lines: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the lines of a status that a caller could still reach."""
    return tuple(str(line["name"]) for line in lines if line["state"] in FREE)


def save(settings: Settings, *proofs: Proof) -> Path:
    """Keep proofs beside those of other numbers; raises TechnicianError where that fails."""
    path = Path(settings.folders.state) / FILE
    kept = {proof.number: proof for proof in (*load(settings), *proofs)}
    rows = [{**asdict(proof), "at": proof.at.isoformat()} for proof in kept.values()]
    text = json.dumps({"proofs": rows}, indent=2, ensure_ascii=False)
    try:
        make_private(path.parent)
        atomic_write(path, text + "\n")
    except OSError as error:
        raise Refused(
            f"{path} non si può scrivere ({why_not(error).it}): eseguire il comando come "
            "root o come utente del servizio",
            f"{path} cannot be written ({error.strerror}): run it as root or as the service's user",
        ) from error
    return path


def load(settings: Settings) -> tuple[Proof, ...]:
    """Return the proofs that were kept, none for what cannot be read.

    An older programme kept one alone, and not for which number.
    """
    try:
        text = (Path(settings.folders.state) / FILE).read_text(encoding="utf-8")
        data = json.loads(text)
        return tuple(map(_proof, data.get("proofs", [data])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def proof_of(settings: Settings, number: str, proofs: Iterable[Proof]) -> Proof | None:
    """Find the proof of a public number; one for no number counts where there is but one."""
    return proof_among(numbers_of(settings), number, proofs)


def proof_among(known: tuple[str, ...], number: str, proofs: Iterable[Proof]) -> Proof | None:
    """Find the proof of one of the public numbers that are `known`, as `proof_of`."""
    alone = len(known) == 1
    found = {proof.number: proof for proof in proofs}
    return found.get(number) or (found.get("") if alone else None)


def wanted(settings: Settings, proofs: Iterable[Proof]) -> Words:
    """Say which public numbers lack a proof, or have one of other lines; NOTHING for none."""
    return wanted_of(settings, numbers_of(settings), proofs)


def wanted_of(settings: Settings, known: tuple[str, ...], proofs: Iterable[Proof]) -> Words:
    """Say it of the public numbers that are `known`, as `wanted`."""
    lines, found = lines_of(settings), tuple(proofs)
    lacking, outdated = [], []
    for number in known:
        proof = proof_among(known, number, found)
        if proof is None:
            lacking.append(number)
        elif proof.lines != lines:
            outdated.append((number, proof))
    parts = [_unproven(lacking)] if lacking else []
    parts += [_outdated(number, proof) for number, proof in outdated]
    if not parts:
        return NOTHING
    return Words("; ".join(part.it for part in parts), "; ".join(part.en for part in parts))


def told(proof: Proof) -> Words:
    """Say what was found."""
    of = f"{proof.number}: " if proof.number else ""
    it, en = (f"{moment_words(proof.at, tongue)}, {proof.by}" for tongue in ("it", "en"))
    match proof.outcome:
        case Outcome.DIVERTED:
            return Words(
                f"{of}Con tutte le linee occupate la chiamata arriva a: {proof.where} ({it}).",
                f"{of}With all lines busy a call rings at: {proof.where} ({en}).",
            )
        case Outcome.BUSY:
            return Words(
                f"{of}Con tutte le linee occupate chi chiama sente occupato ({it}): chiedere "
                "all'operatore telefonico la deviazione su occupato, o la ricerca automatica.",
                f"{of}With all lines busy a caller hears busy ({en}): ask the phone company for "
                "divert-on-busy, or for a hunting group.",
            )
    return Words(
        f"{of}Non c'è deviazione su occupato, per dichiarazione del responsabile ({it}).",
        f"{of}There is no divert-on-busy, by word of the head ({en}).",
    )


def _plain(written: str, settings: Settings) -> str:
    """Return a number as it is dialled in the country; unchanged when it is none there."""
    from appliance.config import numbers  # here: the running service asks for none

    with contextlib.suppress(ConfigurationError):
        return numbers.called(written, settings.site.country)
    return written


def _proof(data: Mapping[str, Any]) -> Proof:
    return Proof(
        Outcome(data["outcome"]),
        str(data["by"]),
        datetime.fromisoformat(data["at"]),
        tuple(map(str, data["lines"])),
        str(data["where"]),
        str(data.get("number", "")),
    )


def _unproven(lacking: list[str]) -> Words:
    named = ", ".join(filter(None, lacking))
    it, en = (f" {named}", f" of {named}") if named else ("", "")
    return Words(
        f"Non è provato dove arriva chi chiama{it} con tutte le linee occupate (deviazione su "
        "occupato dell'operatore telefonico): provarlo con centralino commission",
        f"It is not proven where a caller{en} ends who finds all lines busy "
        "(the carrier's divert-on-busy): prove it with centralino commission",
    )


def _outdated(number: str, proof: Proof) -> Words:
    it, en = (f" per {number}", f" of {number}") if number else ("", "")
    return Words(
        f"La prova della deviazione su occupato{it} è {day_phrase('del', proof.at, 'it')}, prima "
        "che le linee cambiassero: ripeterla con centralino commission",
        f"The proof of divert-on-busy{en} is {day_phrase('of', proof.at, 'en')}, before the lines "
        "changed: repeat it with centralino commission",
    )
