"""`centralino commission`: prove where a caller ends who finds all lines busy (P8)."""

from __future__ import annotations

import getpass
import threading
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from appliance.commands.options import config_option, desk_socket, load_settings
from appliance.daemon import commission as proofs
from appliance.daemon import door
from appliance.daemon.commission import Outcome, Proof
from appliance.daemon.settings import Settings
from appliance.daemon.status_words import said
from appliance.errors import OfficeError
from appliance.policy.words import Words

LOOK_S = 0.5
SEIZE = Words(
    "Occupare adesso tutte le linee: una chiamata su ognuna da altri telefoni, o gli apparecchi in "
    "parallelo sollevati. Ancora libere:",
    "Now seize every line: a call on each from other telephones, or the telephones beside them "
    "lifted. Still free:",
)
CALL = Words(
    "Tutte le linee sono occupate. Chiamare adesso il numero pubblico da un altro telefono.",
    "All lines are seized. Now call the public number from another telephone.",
)
WHERE = Words(
    "Dove ha squillato? (vuoto: ha sentito occupato)", "Where did it ring? (empty: it was busy)"
)


@click.command()
@config_option
@click.option("--by", default=getpass.getuser, show_default="the user", help="Who says so.")
@click.option("--rang-at", default="", help="Where the call rang; nothing is asked.")
@click.option("--busy", is_flag=True, help="The call heard busy; nothing is asked.")
@click.option("--no-divert", is_flag=True, help="The head's word: there is no divert-on-busy.")
@click.option("--show", is_flag=True, help="Show what was found last.")
@click.option(
    "--wait", default=600.0, show_default=True, help="Seconds to wait for all lines to be seized."
)
def commission(
    config_path: Path,
    *,
    by: str,
    rang_at: str,
    busy: bool,
    no_divert: bool,
    show: bool,
    wait: float,
) -> None:
    """Prove the carrier's divert-on-busy: seize all lines, place a call, say where it rang."""
    settings = load_settings(config_path)
    language = settings.site.languages[0]
    if bool(rang_at) + busy + no_divert + show > 1:
        raise click.UsageError("say one of --rang-at, --busy, --no-divert, --show")
    if show:
        click.echo(said(_known(settings), language))
        return
    outcome, where = Outcome.NO_DIVERT, ""
    if not no_divert:
        _seize(settings, language, wait)
        asks = not (rang_at or busy)
        where = _ask(language) if asks else rang_at
        _still_seized(settings)
        outcome = Outcome.DIVERTED if where else Outcome.BUSY
    at = datetime.now(UTC).astimezone(ZoneInfo(settings.site.zone))
    proof = Proof(outcome, by, at, proofs.lines_of(settings), where)
    proofs.save(settings, proof)
    click.echo(said(proofs.told(proof), language))


def _known(settings: Settings) -> Words:
    proof = proofs.load(settings)
    missing = proofs.wanted(settings, proof)
    if proof is None or missing.en:
        return missing
    return proofs.told(proof)


def _free(settings: Settings) -> tuple[str, ...]:
    status = door.ask(desk_socket(settings), {"ask": "status"})["status"]
    return proofs.unseized(status["lines"])


def _seize(settings: Settings, language: str, wait: float) -> None:
    """Wait until the desk says that every line is engaged."""
    told: tuple[str, ...] = ()
    never, looks = threading.Event(), max(1, round(wait / LOOK_S))
    for _ in range(looks):
        free = _free(settings)
        if not free:
            return
        if free != told:
            told = free
            click.echo(f"{said(SEIZE, language)} {', '.join(free)}")
        never.wait(LOOK_S)
    raise OfficeError(
        f"{', '.join(told)} could still be reached after {wait:g} s: without all lines seized a "
        "call proves nothing; begin again"
    )


def _ask(language: str) -> str:
    click.echo(said(CALL, language))
    answer: str = click.prompt(said(WHERE, language), default="", show_default=False)
    return answer.strip()


def _still_seized(settings: Settings) -> None:
    free = _free(settings)
    if free:
        raise OfficeError(
            f"{', '.join(free)} became free meanwhile: the call may have rung there; begin again"
        )
